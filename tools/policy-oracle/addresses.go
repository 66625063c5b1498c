package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/fqdn/dns"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/ipcache"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	k8sutils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/source"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
)

// addresses is the agent's ipcache: which identity an address outside of the cluster has.
type addresses struct {
	cache *ipcache.IPCache
	ids   identity.IdentityMap
	stop  context.CancelFunc
}

// UpdateIdentities notes what the ipcache allocates, in place of the selector cache.
func (a *addresses) UpdateIdentities(added, _ identity.IdentityMap) <-chan struct{} {
	for id, lbls := range added {
		a.ids[id] = lbls
	}
	done := make(chan struct{})
	close(done)
	return done
}

// newAddresses fills an ipcache with what policies, groups and DNS answers say about prefixes.
func (o *oracle) newAddresses(world *loaded, endpoints []Endpoint) (*addresses, error) {
	ctx, stop := context.WithCancel(context.Background())
	a := &addresses{ids: identity.IdentityMap{}, stop: stop}
	a.cache = ipcache.NewIPCache(&ipcache.Configuration{
		Context:           ctx,
		Logger:            o.logger,
		IdentityAllocator: testidentity.NewMockIdentityAllocator(nil),
		IdentityUpdater:   a,
	})
	var updates []ipcache.MU
	add := func(prefix netip.Prefix, from source.Source, resource ipcachetypes.ResourceID, cidr bool, lbls labels.Labels) {
		updates = append(updates, ipcache.MU{
			Prefix:   cmtypes.NewLocalPrefixCluster(prefix),
			Source:   from,
			Resource: resource,
			Metadata: []ipcache.IPMetadata{lbls},
			IsCIDR:   cidr,
		})
	}
	for _, resource := range world.sortedResources() {
		for _, prefix := range policy.GetCIDRPrefixes(world.entries[resource]) {
			add(prefix, source.CustomResource, resource, true, labels.GetCIDRLabels(prefix))
		}
	}
	for name, group := range world.groups {
		lbls := groupLabels(name, group.Labels)
		resource := ipcachetypes.NewResourceID(ipcachetypes.ResourceKindCIDRGroup, "", name)
		for _, text := range group.Spec.ExternalCIDRs {
			prefix, err := netip.ParsePrefix(string(text))
			if err != nil {
				continue // the agent warns and goes on
			}
			withWorld := labels.NewFrom(lbls)
			withWorld.AddWorldLabel(prefix.Addr())
			add(prefix, source.Generated, resource, false, withWorld)
		}
	}
	for i, endpoint := range endpoints {
		ip, ok := address(endpoint.IP)
		if !ok || !endpoint.isAddress() {
			continue
		}
		lbls, err := world.fqdnLabels(endpoint.FQDNs)
		if err != nil {
			return nil, err
		}
		if len(lbls) > 0 {
			lbls.AddWorldLabel(ip)
			resource := ipcachetypes.NewResourceID(ipcachetypes.ResourceKindDaemon, "fqdn", fmt.Sprint(i))
			add(netip.PrefixFrom(ip, ip.BitLen()), source.Generated, resource, false, lbls)
		}
	}
	if len(updates) == 0 {
		return a, nil
	}
	revision := a.cache.UpsertMetadataBatch(updates...)
	wait, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	return a, a.cache.WaitForRevision(wait, revision)
}

// groupLabels are the labels of the prefixes that a CiliumCIDRGroup lists.
func groupLabels(name string, given map[string]string) labels.Labels {
	lbls := labels.Labels{}
	add := func(l labels.Label) { lbls[l.Key] = l }
	for key, value := range k8sutils.RemoveCiliumLabels(given) {
		l := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
		add(l)
		add(labels.EncodedCIDRGroupLabel(l.Key, l.Value, l.Source))
	}
	add(api.LabelForCIDRGroupRef(name))
	return lbls
}

// fqdnLabels are the labels of an address that was looked up by these names: one for each selector of a policy that matches.
func (w *loaded) fqdnLabels(names []string) (labels.Labels, error) {
	lbls := labels.Labels{}
	if len(names) == 0 {
		return lbls, nil
	}
	for _, entries := range w.entries {
		for _, entry := range entries {
			for _, selector := range entry.L3 {
				fqdn, ok := selector.GetFQDNSelector()
				if !ok {
					continue
				}
				expression, err := fqdn.ToRegex()
				if err != nil {
					return nil, err
				}
				for _, name := range names {
					if expression.MatchString(dns.FQDN(name)) {
						l := fqdn.IdentityLabel()
						lbls[l.Key] = l
					}
				}
			}
		}
	}
	return lbls, nil
}

// party is the address as a peer: the identity of the longest prefix that has one, else the world of its family.
func (a *addresses) party(ip netip.Addr) *party {
	for bits := ip.BitLen(); bits >= 0; bits-- {
		prefix := netip.PrefixFrom(ip, bits).Masked()
		if found, ok := a.cache.LookupByPrefix(prefix.String()); ok {
			if lbls, known := a.ids[found.ID]; known {
				return &party{identity: identity.NewIdentityFromLabelArray(found.ID, lbls)}
			}
			return &party{identity: identity.LookupReservedIdentity(found.ID)}
		}
	}
	if ip.Is6() {
		return &party{identity: identity.LookupReservedIdentity(identity.ReservedIdentityWorldIPv6)}
	}
	return &party{identity: identity.LookupReservedIdentity(identity.ReservedIdentityWorldIPv4)}
}

// unknown is an address that nothing is known of but the labels of the names it was looked up by.
func (a *addresses) unknown(names labels.Labels) *party {
	if len(names) == 0 {
		return &party{identity: identity.LookupReservedIdentity(identity.ReservedIdentityWorldIPv4)}
	}
	names.AddWorldLabel(netip.IPv4Unspecified())
	id := identity.NewIdentity(identity.IdentityScopeLocal|identity.NumericIdentity(1<<20+len(a.ids)), names)
	a.ids[id.ID] = id.LabelArray
	return &party{identity: id}
}

func (a *addresses) close() error {
	a.stop()
	return a.cache.Shutdown()
}

// isAddress: an endpoint entry that describes an address outside of the cluster, not a pod.
func (e Endpoint) isAddress() bool {
	return e.Reserved == "" && (e.FQDNs != nil || e.IP != "" && e.Namespace == "" && e.Labels == nil)
}
