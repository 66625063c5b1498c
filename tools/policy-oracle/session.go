package main

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/types"
)

// session is one request in the middle of being answered.
type session struct {
	oracle     *oracle
	options    Options
	repository *policy.Repository
	byName     map[string][]*party
	byAddress  map[netip.Addr]*party
	addresses  *addresses
}

// newSession fills a policy repository and its caches as the agent does: identities, named ports, then rules.
func (o *oracle) newSession(world *loaded, request *Request, options Options) (*session, error) {
	addresses, err := o.newAddresses(world, request.Endpoints)
	if err != nil {
		return nil, err
	}
	s := &session{oracle: o, options: options, byName: map[string][]*party{}, byAddress: map[netip.Addr]*party{}, addresses: addresses}
	multi := types.NewNamedPortMultiMap()
	peers := identity.ListReservedIdentities()
	for id, lbls := range addresses.ids {
		peers[id] = lbls
	}
	numbers := newIdentityNumbers(options.Cluster)
	for i, endpoint := range request.Endpoints {
		p, err := s.newParty(world, endpoint, numbers)
		if err != nil {
			return nil, fmt.Errorf("endpoints[%d]: %w", i, err)
		}
		if p.identity.ID >= identity.MinimalNumericIdentity || len(endpoint.Labels) > 0 {
			peers[p.identity.ID] = p.identity.LabelArray
		}
		multi.Update(p.identity.ID, nil, p.ports)
		s.register(endpoint, p)
	}
	s.repository = policy.NewPolicyRepository(o.logger, peers, secrets{},
		envoypolicy.NewEnvoyL7RulesTranslator(o.logger, certificatemanager.NewMockSecretManagerSDS()),
		identitymanager.NewIDManager(o.logger), nil)
	s.repository.SetNamedPortsGetter(namedPortsOf{multi})
	s.repository.GetSubjectSelectorCache().UpdateIdentities(peers, nil, &sync.WaitGroup{})
	for resource, entries := range world.entries {
		s.repository.ReplaceByResource(entries, resource)
	}
	return s, nil
}

func (s *session) newParty(world *loaded, endpoint Endpoint, numbers *identityNumbers) (*party, error) {
	ip, hasAddress := address(endpoint.IP)
	if endpoint.IP != "" && !hasAddress {
		return nil, fmt.Errorf("ip: %q is not an address", endpoint.IP)
	}
	ports, err := namedPorts(endpoint.NamedPorts)
	if err != nil {
		return nil, err
	}
	switch {
	case endpoint.Reserved != "":
		return reservedParty(strings.TrimPrefix(endpoint.Reserved, reservedPrefix), endpoint.Labels, s.options)
	case endpoint.isAddress() && !hasAddress:
		lbls, err := world.fqdnLabels(endpoint.FQDNs)
		if err != nil {
			return nil, err
		}
		return s.addresses.unknown(lbls), nil
	case endpoint.isAddress():
		return s.addresses.party(ip), nil
	default:
		return world.podParty(endpoint, ports, numbers, s.options), nil
	}
}

func (s *session) register(endpoint Endpoint, p *party) {
	namespace := orElse(endpoint.Namespace, "default")
	cluster := orElse(endpoint.Cluster, s.options.Cluster)
	for _, name := range []string{endpoint.Name, namespace + "/" + endpoint.Name, cluster + "/" + namespace + "/" + endpoint.Name} {
		s.byName[name] = append(s.byName[name], p)
	}
	if ip, ok := address(endpoint.IP); ok {
		if _, taken := s.byAddress[ip]; !taken {
			s.byAddress[ip] = p
		}
	}
}

// find gives whom a query names: an endpoint, a reserved identity, or an address.
func (s *session) find(name string) (*party, error) {
	switch known := s.byName[name]; len(known) {
	case 0:
	case 1:
		return known[0], nil
	default:
		return nil, fmt.Errorf("%q names %d endpoints", name, len(known))
	}
	reserved := strings.TrimPrefix(name, reservedPrefix)
	if _, ok := reservedNames[reserved]; ok {
		p, err := reservedParty(reserved, nil, s.options)
		if err == nil {
			s.byName[name] = []*party{p}
		}
		return p, err
	}
	ip, ok := address(name)
	if !ok {
		return nil, fmt.Errorf("%q is no endpoint of the request, no reserved name and no address", name)
	}
	if p, ok := s.byAddress[ip]; ok {
		return p, nil
	}
	p := s.addresses.party(ip)
	s.byAddress[ip] = p
	return p, nil
}
