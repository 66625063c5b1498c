package main

import (
	"log/slog"

	"github.com/cilium/cilium/pkg/k8s"
	slimcorev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	slimdiscovery "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/discovery/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/loadbalancer"
	"github.com/cilium/cilium/pkg/source"
	"github.com/cilium/statedb"
)

// services are the tables of the load balancer that `toServices` is resolved with.
type services struct {
	db       *statedb.DB
	services statedb.RWTable[*loadbalancer.Service]
	backends statedb.RWTable[*loadbalancer.Backend]
	txn      statedb.WriteTxn
}

func newServices() (*services, error) {
	db := statedb.New()
	serviceTable, err := loadbalancer.NewServicesTable(loadbalancer.DefaultConfig, db)
	if err != nil {
		return nil, err
	}
	backendTable, err := loadbalancer.NewBackendsTable(db)
	if err != nil {
		return nil, err
	}
	return &services{db, serviceTable, backendTable, db.WriteTxn(serviceTable, backendTable)}, nil
}

// addService keeps the fields that `toServices` looks at, as the load balancer's reflector converts them.
func (s *services) addService(d *document) error {
	service := &slimcorev1.Service{}
	if err := d.decode(service); err != nil {
		return err
	}
	_, _, err := s.services.Insert(s.txn, &loadbalancer.Service{
		Name:     loadbalancer.NewServiceName(service.Namespace, service.Name),
		Source:   source.Kubernetes,
		Labels:   labels.Map2Labels(service.Labels, string(source.Kubernetes)),
		Selector: service.Spec.Selector,
	})
	return err
}

func (s *services) addSlice(logger *slog.Logger, d *document) error {
	slice := &slimdiscovery.EndpointSlice{}
	if err := d.decode(slice); err != nil {
		return err
	}
	endpoints := k8s.ParseEndpointSliceV1(logger, slice)
	for address, backend := range endpoints.Backends {
		for port, names := range backend.Ports {
			if _, _, err := s.backends.Insert(s.txn, &loadbalancer.Backend{
				ServiceName: endpoints.EndpointSliceID.ServiceName,
				Address:     loadbalancer.NewL3n4Addr(port.Protocol, address, port.Port, loadbalancer.ScopeExternal),
				PortNames:   names,
				Source:      source.Kubernetes,
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *services) commit() {
	s.txn.Commit()
}
