package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	policyk8s "github.com/cilium/cilium/pkg/policy/k8s"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	corev1 "k8s.io/api/core/v1"
)

// loaded is what the agent holds of the request's objects.
type loaded struct {
	answers []PolicyAnswer
	// entries of accepted policies, by the resource they come from.
	entries    map[ipcachetypes.ResourceID]types.PolicyEntries
	groups     map[string]*v2.CiliumCIDRGroup
	namespaces map[string]map[string]string
}

var policyKinds = map[string]ipcachetypes.ResourceKind{
	"CiliumNetworkPolicy":            ipcachetypes.ResourceKindCNP,
	"CiliumClusterwideNetworkPolicy": ipcachetypes.ResourceKindCCNP,
	"NetworkPolicy":                  ipcachetypes.ResourceKindNetpol,
}

// foreign tells the NetworkPolicy of somebody else's API group (Calico, Antrea) from a misspelt one.
func (d *document) foreign() bool {
	group, _, _ := strings.Cut(d.apiVersion, "/")
	return d.kind == "NetworkPolicy" && strings.Contains(group, ".") &&
		group != "cilium.io" && group != "k8s.io" && !strings.HasSuffix(group, ".k8s.io")
}

// load reads all texts; of what is no policy, groups are reported if they are refused. Objects that policies refer to come first, as in an agent whose caches are in sync.
func (o *oracle) load(texts []string, options Options) (*loaded, error) {
	world := &loaded{
		entries:    map[ipcachetypes.ResourceID]types.PolicyEntries{},
		groups:     map[string]*v2.CiliumCIDRGroup{},
		namespaces: map[string]map[string]string{},
	}
	services, err := newServices()
	if err != nil {
		return nil, err
	}
	var found []*document
	refusals := map[*document]error{}
	for i, text := range texts {
		objects, err := documents(text)
		found = append(found, objects...)
		if err != nil {
			unreadable := &document{name: fmt.Sprintf("policies[%d]", i)}
			found = append(found, unreadable)
			refusals[unreadable] = err
		}
	}
	for _, d := range found {
		if d.foreign() {
			d.kind = ""
		}
		switch d.kind {
		case "CiliumCIDRGroup":
			if err := o.loadGroup(world, d); err != nil {
				refusals[d] = err
			}
		case "Namespace":
			err = loadNamespace(world, d)
		case "Service":
			err = services.addService(d)
		case "EndpointSlice":
			err = services.addSlice(o.logger, d)
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.kind, d.label(), err)
		}
	}
	services.commit()
	for _, d := range found {
		_, isPolicy := policyKinds[d.kind]
		if isPolicy {
			refusals[d] = o.loadPolicy(world, services, d, options)
		}
		if err := refusals[d]; err != nil {
			world.answers = append(world.answers, PolicyAnswer{d.label(), err.Error()})
		} else if isPolicy {
			world.answers = append(world.answers, PolicyAnswer{Name: d.label()})
		}
	}
	return world, nil
}

func (o *oracle) loadPolicy(world *loaded, services *services, d *document, options Options) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the agent panics: %v", broken)
		}
	}()
	cluster := cmtypes.LocalClusterNameForPolicies(
		cmtypes.PolicyConfig{PolicyDefaultLocalCluster: *options.PolicyDefaultLocalCluster}, options.Cluster)
	resource := ipcachetypes.NewResourceID(policyKinds[d.kind], d.namespace, d.name)
	var entries types.PolicyEntries
	if d.kind == "NetworkPolicy" {
		policy, err := networkPolicy(d)
		if err != nil {
			return err
		}
		if entries, err = k8s.ParseNetworkPolicy(o.logger, cluster, policy); err != nil {
			return err
		}
	} else {
		if err := o.customResources[d.kind].admit(d.content); err != nil {
			return err
		}
		policy := &v2.CiliumNetworkPolicy{}
		if err := d.decode(policy); err != nil {
			return err
		}
		// As the agent does. It matters: merging appends to lists that rules share, and a copy has no room to append in place.
		policy = policy.DeepCopy()
		policyk8s.ResolveToServices(services.db.ReadTxn(), services.services, services.backends, policy)
		rules, err := policy.Parse(o.logger, cluster)
		if err != nil {
			return err
		}
		entries = utils.RulesToPolicyEntries(rules)
	}
	world.entries[resource] = entries
	return nil
}

func (o *oracle) loadGroup(world *loaded, d *document) error {
	if err := o.customResources[d.kind].admit(d.content); err != nil {
		return err
	}
	group := &v2.CiliumCIDRGroup{}
	if err := d.decode(group); err != nil {
		return err
	}
	world.groups[group.Name] = group
	return nil
}

func loadNamespace(world *loaded, d *document) error {
	namespace := &corev1.Namespace{}
	if err := d.decode(namespace); err != nil {
		return err
	}
	world.namespaces[namespace.Name] = namespace.Labels
	return nil
}

// sortedResources gives a stable order to what is a map.
func (w *loaded) sortedResources() []ipcachetypes.ResourceID {
	return slices.Sorted(maps.Keys(w.entries))
}

func discardLogger() *slog.Logger {
	return slog.New(slog.DiscardHandler)
}
