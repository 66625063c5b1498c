package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	k8sconst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// oracle holds what is the same for every request.
type oracle struct {
	logger          *slog.Logger
	customResources map[string]*customResource
}

func newOracle() (*oracle, error) {
	logger := discardLogger()
	resources, err := newCustomResources(logger)
	if err != nil {
		return nil, err
	}
	// What the agent does on Kubernetes (cmd.initEnv: AllowLocalhost is `always` there).
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	return &oracle{logger, resources}, nil
}

// secrets: every secret that a policy names exists; its value is never the one that a request shows.
type secrets struct{}

func (secrets) GetTLSContext(_ context.Context, tls *api.TLSContext, _ string) (ca, public, private string, inline bool, err error) {
	if tls.Secret == nil {
		return "", "", "", false, errors.New("the TLS context names no secret")
	}
	return "", "", "", false, nil
}

// namedPortsOf are the ports that pods of the request name, for egress rules.
type namedPortsOf struct {
	ports types.NamedPortMultiMap
}

func (n namedPortsOf) GetNamedPorts() types.NamedPortMultiMap { return n.ports }

// resolved is the policy of one party, or why Cilium cannot compute it.
type resolved struct {
	policy *policy.EndpointPolicy
	err    error
}

func (o *oracle) answerJSON(text []byte) (*Answer, error) {
	request, err := parseRequest(text)
	if err != nil {
		return nil, err
	}
	return o.answer(request)
}

func (o *oracle) answer(request *Request) (answer *Answer, err error) {
	options := request.Options
	if options.PolicyDefaultLocalCluster == nil {
		yes := true
		options.PolicyDefaultLocalCluster = &yes
	}
	option.Config.EnableHostFirewall = options.HostFirewall
	option.Config.ClusterName = options.Cluster
	policy.SetPolicyEnabled(options.EnablePolicy)
	api.InitEntities(options.Cluster)

	world, err := o.load(request.Policies, options)
	if err != nil {
		return nil, err
	}
	s, err := o.newSession(world, request, options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.addresses.close()) }()
	answer = &Answer{Policies: world.answers, Verdicts: make([]Verdict, 0, len(request.Queries))}
	if answer.Policies == nil {
		answer.Policies = []PolicyAnswer{}
	}
	for _, query := range request.Queries {
		verdict, err := s.verdict(query)
		if err != nil {
			verdict = &Verdict{Error: err.Error()}
		}
		answer.Verdicts = append(answer.Verdicts, *verdict)
	}
	return answer, nil
}

func (s *session) verdict(query Query) (*Verdict, error) {
	from, err := s.find(query.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	to, err := s.find(query.To)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	if query.Proto == "" {
		query.Proto = "TCP"
	}
	protocol, err := u8proto.ParseProtocol(query.Proto)
	if err != nil || protocol == u8proto.ANY {
		return nil, fmt.Errorf("proto: %q is not a protocol of a packet", query.Proto)
	}
	result := &Verdict{Verdict: allowed}
	direction := strings.ToLower(query.Direction)
	switch direction {
	case "", "egress", "ingress":
	default:
		return nil, fmt.Errorf("direction: %q is neither egress nor ingress", query.Direction)
	}
	if direction != "ingress" {
		result.Egress = s.side(from, to, policy.EgressKey(), protocol, query)
	}
	if direction != "egress" {
		result.Ingress = s.side(to, from, policy.IngressKey(), protocol, query)
	}
	for _, side := range []*Side{result.Egress, result.Ingress} {
		if side == nil {
			continue
		}
		if side.Verdict == denied {
			result.Verdict = denied
		}
		result.L7 = result.L7 || side.L7
	}
	return result, nil
}

// resolve computes the policy of a party once.
func (s *session) resolve(subject *party) *resolved {
	if subject.policy == nil {
		subject.policy = &resolved{}
		computed, err := s.repository.ResolvePolicy(subject.identity)
		if err != nil {
			subject.policy.err = err
		} else {
			subject.policy.policy = computed.DistillPolicy(s.oracle.logger, subject, map[string]uint16{policy.FallbackRedirectID: 1})
		}
	}
	return subject.policy
}

func (s *session) side(subject, peer *party, key policy.Key, protocol u8proto.U8proto, query Query) *Side {
	if !subject.subject {
		return &Side{Verdict: allowed, Reason: "no endpoint of this cluster's agents", Rules: []string{}}
	}
	computed := s.resolve(subject)
	if computed.err != nil {
		// The endpoint keeps the policy it had; a new one has none yet and passes nothing.
		return &Side{Enforced: true, Verdict: denied, Reason: computed.err.Error(), Rules: []string{}}
	}
	selector := computed.policy.SelectorPolicy
	enforced, direction := selector.EgressPolicyEnabled, &selector.L4Policy.Egress
	if key.IsIngress() {
		enforced, direction = selector.IngressPolicyEnabled, &selector.L4Policy.Ingress
	}
	// Port 0 (an ICMP type, a protocol without ports) is a packet's port, not a wildcard.
	entry, meta, found := computed.policy.Lookup(key.WithIdentity(peer.identity.ID).WithPortProtoPrefix(protocol, query.Port, 16))
	side := &Side{Enforced: enforced, Verdict: allowed, Rules: ruleNames(meta.LabelArray())}
	switch {
	case !enforced:
		side.Reason = "no policy is enforced"
	case !found:
		side.Verdict, side.Reason = denied, "no rule allows it"
	case entry.IsDeny():
		side.Verdict, side.Reason = denied, "a rule denies it"
	default:
		side.Reason = "a rule allows it"
		side.L7 = entry.IsRedirectEntry()
	}
	if side.L7 && query.HTTP != nil && entry.Precedence.ListenerPriority() == policy.ListenerPriorityHTTP &&
		!httpAllowed(direction, subject, computed.policy, peer, query) {
		side.Verdict, side.Reason = denied, "no HTTP rule allows it"
	}
	return side
}

// ruleNames are the policies that an entry derives from, as the answer names policies.
func ruleNames(origins labels.LabelArrayList) []string {
	names := []string{}
	for _, origin := range origins {
		name := origin.Get(labels.LabelSourceK8sKeyPrefix + k8sconst.PolicyLabelName)
		namespace := origin.Get(labels.LabelSourceK8sKeyPrefix + k8sconst.PolicyLabelNamespace)
		if name == "" {
			continue
		}
		names = append(names, (&document{name: name, namespace: namespace}).label())
	}
	slices.Sort(names)
	return slices.Compact(names)
}
