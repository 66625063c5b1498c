package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cilium/cilium/pkg/defaults"
)

// ciliumVersion is the release whose code decides; go.mod pins the same one.
const ciliumVersion = "1.20.2"

// Request is what `npm run --silent reach` reads.
type Request struct {
	Policies  []string   `json:"policies"`
	Endpoints []Endpoint `json:"endpoints"`
	Queries   []Query    `json:"queries"`
	Options   Options    `json:"options"`
}

// Endpoint is a pod, an address (no namespace and labels, or `fqdns`), or something reserved.
type Endpoint struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace"`
	Labels          map[string]string `json:"labels"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	ServiceAccount  string            `json:"serviceAccount"`
	Cluster         string            `json:"cluster"`
	NamedPorts      map[string]string `json:"namedPorts"`
	Reserved        string            `json:"reserved"`
	IP              string            `json:"ip"`
	FQDNs           []string          `json:"fqdns"`
}

// Query is one flow. Port is the destination port, for ICMP the type.
type Query struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Port      uint16 `json:"port"`
	Proto     string `json:"proto"`
	Direction string `json:"direction"`
	HTTP      *HTTP  `json:"http"`
}

// HTTP is one request line with its headers.
type HTTP struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Host    string            `json:"host"`
	Headers map[string]string `json:"headers"`
}

// Options of the agent; what is not here has Helm's default, except that IPv6 is on.
type Options struct {
	Cluster                   string `json:"cluster"`
	EnablePolicy              string `json:"enablePolicy"`
	PolicyDefaultLocalCluster *bool  `json:"policyDefaultLocalCluster"`
	HostFirewall              bool   `json:"hostFirewall"`
	Version                   string `json:"version"`
}

// Answer is what `npm run --silent reach` writes.
type Answer struct {
	Policies []PolicyAnswer `json:"policies"`
	Verdicts []Verdict      `json:"verdicts"`
	Error    string         `json:"error,omitempty"`
}

// PolicyAnswer names a policy, and why it is not loaded if it is not.
type PolicyAnswer struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
}

// Verdict of one query. Error stands alone: the query cannot be answered.
type Verdict struct {
	Verdict string `json:"verdict,omitempty"`
	L7      bool   `json:"l7"`
	Egress  *Side  `json:"egress,omitempty"`
	Ingress *Side  `json:"ingress,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Side is what the policy of one end says about the flow.
type Side struct {
	Enforced bool     `json:"enforced"`
	Verdict  string   `json:"verdict"`
	L7       bool     `json:"l7"`
	Reason   string   `json:"reason"`
	Rules    []string `json:"rules"`
}

const (
	allowed = "allowed"
	denied  = "denied"
)

func parseRequest(text []byte) (*Request, error) {
	request := &Request{}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(request); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	options := &request.Options
	options.Cluster = orElse(options.Cluster, defaults.ClusterName)
	options.EnablePolicy = strings.ToLower(options.EnablePolicy)
	switch options.EnablePolicy {
	case "":
		options.EnablePolicy = "default"
	case "default", "always", "never":
	default:
		return nil, fmt.Errorf("options.enablePolicy: %q is none of default, always, never", options.EnablePolicy)
	}
	if version := options.Version; version != "" && version != ciliumVersion && version != "1.20" {
		return nil, fmt.Errorf("options.version: this oracle is Cilium %s, not %s", ciliumVersion, version)
	}
	return request, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
