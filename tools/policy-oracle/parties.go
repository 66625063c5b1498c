package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/k8s"
	k8sutils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// party is one end of a flow: what it is to an agent of options.cluster.
type party struct {
	identity *identity.Identity
	ports    types.NamedPortMap
	// subject: an agent of this cluster holds an endpoint for it and applies policies to it.
	subject bool
	host    bool
	policy  *resolved
}

// reservedSubjects have an endpoint on every node. The host has one, too; its policies need the host firewall.
var reservedSubjects = map[identity.NumericIdentity]bool{
	identity.ReservedIdentityHealth:  true,
	identity.ReservedIdentityInit:    true,
	identity.ReservedIdentityIngress: true,
}

var reservedNames = map[string]identity.NumericIdentity{
	"world":          identity.ReservedIdentityWorld,
	"host":           identity.ReservedIdentityHost,
	"remote-node":    identity.ReservedIdentityRemoteNode,
	"kube-apiserver": identity.ReservedIdentityKubeAPIServer,
	"health":         identity.ReservedIdentityHealth,
	"init":           identity.ReservedIdentityInit,
	"ingress":        identity.ReservedIdentityIngress,
	"unmanaged":      identity.ReservedIdentityUnmanaged,
}

// reservedPrefix may stand before such a name, as it does in policies.
const reservedPrefix = labels.LabelSourceReserved + ":"

func reservedParty(name string, extra map[string]string, options Options) (*party, error) {
	number, known := reservedNames[name]
	if !known {
		return nil, fmt.Errorf("reserved: %q is not a name that Cilium reserves", name)
	}
	reserved := identity.LookupReservedIdentity(number)
	if len(extra) > 0 {
		merged := labels.NewFrom(reserved.Labels)
		merged.MergeLabels(labels.Map2Labels(extra, labels.LabelSourceK8s))
		reserved = identity.NewIdentity(number, merged)
	}
	host := number == identity.ReservedIdentityHost
	return &party{
		identity: reserved,
		subject:  reservedSubjects[number] || host && options.HostFirewall,
		host:     host,
	}, nil
}

// namespaceLabels is a namespace as Cilium's label code wants it.
type namespaceLabels struct {
	name   string
	labels map[string]string
}

func (n namespaceLabels) GetName() string              { return n.name }
func (n namespaceLabels) GetLabels() map[string]string { return n.labels }

// podParty gives a pod the labels and the identity that the agent gives it. Its named ports are part of them.
func (w *loaded) podParty(endpoint Endpoint, ports types.NamedPortMap, numbers *identityNumbers, options Options) *party {
	namespace := orElse(endpoint.Namespace, "default")
	// The API server sets this one on every namespace.
	merged := map[string]string{"kubernetes.io/metadata.name": namespace}
	given := endpoint.NamespaceLabels
	if given == nil {
		given = w.namespaces[namespace]
	}
	maps.Copy(merged, given)
	account := orElse(endpoint.ServiceAccount, "default")
	cluster := orElse(endpoint.Cluster, options.Cluster)
	sanitized := k8sutils.SanitizePodLabels(endpoint.Labels, namespaceLabels{namespace, merged}, account, cluster)
	lbls := labels.Map2Labels(sanitized, labels.LabelSourceK8s)
	for _, l := range k8s.NamedPortsIdentityLabels(ports) {
		lbls[l.Key] = l
	}
	return &party{
		identity: identity.NewIdentity(numbers.of(lbls, cluster), lbls),
		ports:    ports,
		subject:  cluster == options.Cluster,
	}
}

// identityNumbers gives equal labels one number. The cluster's own number (0 is the local one) is part of it.
type identityNumbers struct {
	clusters   map[string]uint32
	identities map[string]identity.NumericIdentity
}

func newIdentityNumbers(local string) *identityNumbers {
	return &identityNumbers{clusters: map[string]uint32{local: 0}, identities: map[string]identity.NumericIdentity{}}
}

func (n *identityNumbers) of(lbls labels.Labels, cluster string) identity.NumericIdentity {
	number, seen := n.clusters[cluster]
	if !seen {
		number = uint32(len(n.clusters))
		n.clusters[cluster] = number
	}
	key := lbls.String()
	id, seen := n.identities[key]
	if !seen {
		id = identity.NumericIdentity(number<<identity.GetClusterIDShift()) + identity.MinimalNumericIdentity +
			identity.NumericIdentity(len(n.identities))
		n.identities[key] = id
	}
	return id
}

// namedPorts reads `{http: "8080/TCP"}`.
func namedPorts(given map[string]string) (types.NamedPortMap, error) {
	ports := types.NamedPortMap{}
	for name, text := range given {
		number, protocol, _ := strings.Cut(text, "/")
		port, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("namedPorts.%s: %q is not like 8080/TCP", name, text)
		}
		if err := ports.AddPort(name, port, protocol); err != nil {
			return nil, fmt.Errorf("namedPorts.%s: %w", name, err)
		}
	}
	return ports, nil
}

// The methods below make a party the owner of a computed policy.

var _ policy.PolicyOwner = &party{}

func (p *party) GetID() uint64              { return uint64(p.identity.ID) }
func (p *party) PolicyDebug(string, ...any) {}
func (p *party) IsHost() bool               { return p.host }
func (p *party) PreviousMapStateSizes() policy.MapStateSizes {
	return policy.MapStateSizes{}
}

func (p *party) GetIngressNamedPort(name string, protocol u8proto.U8proto) uint16 {
	port, err := p.ports.GetNamedPort(name, protocol)
	if err != nil {
		return 0
	}
	return port
}

func (p *party) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}
