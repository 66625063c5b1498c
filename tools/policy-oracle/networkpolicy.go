package main

import (
	"encoding/json"
	"fmt"
	"net/netip"

	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
)

// networkPolicy does what the API server does with a NetworkPolicy, whose own validation (pkg/apis/networking) cannot be
// imported, and gives what Cilium's agent reads back.
func networkPolicy(d *document) (*slim.NetworkPolicy, error) {
	if version, _ := d.content["apiVersion"].(string); version != "networking.k8s.io/v1" {
		return nil, fmt.Errorf("apiVersion: %q is not served, write networking.k8s.io/v1", version)
	}
	policy := &networkingv1.NetworkPolicy{}
	if err := d.decode(policy); err != nil {
		return nil, err
	}
	setDefaults(&policy.Spec)
	errs := apivalidation.ValidateObjectMeta(&policy.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateSpec(&policy.Spec, field.NewPath("spec"))...)
	if err := errs.ToAggregate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return nil, err
	}
	slimPolicy := &slim.NetworkPolicy{}
	return slimPolicy, unmarshal(text, slimPolicy)
}

func setDefaults(spec *networkingv1.NetworkPolicySpec) {
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	tcp := corev1.ProtocolTCP
	defaultProtocol := func(ports []networkingv1.NetworkPolicyPort) {
		for i := range ports {
			if ports[i].Protocol == nil {
				ports[i].Protocol = &tcp
			}
		}
	}
	for i := range spec.Ingress {
		defaultProtocol(spec.Ingress[i].Ports)
	}
	for i := range spec.Egress {
		defaultProtocol(spec.Egress[i].Ports)
	}
}

func validateSpec(spec *networkingv1.NetworkPolicySpec, path *field.Path) field.ErrorList {
	options := metavalidation.LabelSelectorValidationOptions{}
	errs := metavalidation.ValidateLabelSelector(&spec.PodSelector, options, path.Child("podSelector"))
	for i, rule := range spec.Ingress {
		at := path.Child("ingress").Index(i)
		errs = append(errs, validatePorts(rule.Ports, at.Child("ports"))...)
		errs = append(errs, validatePeers(rule.From, at.Child("from"))...)
	}
	for i, rule := range spec.Egress {
		at := path.Child("egress").Index(i)
		errs = append(errs, validatePorts(rule.Ports, at.Child("ports"))...)
		errs = append(errs, validatePeers(rule.To, at.Child("to"))...)
	}
	types := path.Child("policyTypes")
	if len(spec.PolicyTypes) > 2 {
		errs = append(errs, field.TooMany(types, len(spec.PolicyTypes), 2))
	}
	for i, kind := range spec.PolicyTypes {
		if kind != networkingv1.PolicyTypeIngress && kind != networkingv1.PolicyTypeEgress {
			errs = append(errs, field.NotSupported(types.Index(i), kind, []string{"Ingress", "Egress"}))
		}
	}
	return errs
}

func validatePorts(ports []networkingv1.NetworkPolicyPort, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	invalid := func(at *field.Path, value any, messages []string) {
		for _, message := range messages {
			errs = append(errs, field.Invalid(at, value, message))
		}
	}
	for i, port := range ports {
		at := path.Index(i)
		switch *port.Protocol {
		case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
		default:
			errs = append(errs, field.NotSupported(at.Child("protocol"), *port.Protocol, []string{"TCP", "UDP", "SCTP"}))
		}
		numeric := port.Port != nil && port.Port.Type == intstr.Int
		switch {
		case numeric:
			invalid(at.Child("port"), port.Port.IntVal, validation.IsValidPortNum(int(port.Port.IntVal)))
		case port.Port != nil:
			invalid(at.Child("port"), port.Port.StrVal, validation.IsValidPortName(port.Port.StrVal))
		}
		if port.EndPort == nil {
			continue
		}
		if !numeric {
			errs = append(errs, field.Invalid(at.Child("endPort"), *port.EndPort, "needs a numeric port"))
			continue
		}
		invalid(at.Child("endPort"), *port.EndPort, validation.IsValidPortNum(int(*port.EndPort)))
		if *port.EndPort < port.Port.IntVal {
			errs = append(errs, field.Invalid(at.Child("endPort"), *port.EndPort, "is less than port"))
		}
	}
	return errs
}

func validatePeers(peers []networkingv1.NetworkPolicyPeer, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	options := metavalidation.LabelSelectorValidationOptions{}
	for i, peer := range peers {
		at := path.Index(i)
		selects := peer.PodSelector != nil || peer.NamespaceSelector != nil
		if peer.PodSelector != nil {
			errs = append(errs, metavalidation.ValidateLabelSelector(peer.PodSelector, options, at.Child("podSelector"))...)
		}
		if peer.NamespaceSelector != nil {
			errs = append(errs, metavalidation.ValidateLabelSelector(peer.NamespaceSelector, options, at.Child("namespaceSelector"))...)
		}
		switch {
		case peer.IPBlock == nil && !selects:
			errs = append(errs, field.Required(at, "must specify a peer"))
		case peer.IPBlock != nil && selects:
			errs = append(errs, field.Forbidden(at, "ipBlock stands alone"))
		case peer.IPBlock != nil:
			errs = append(errs, validateBlock(peer.IPBlock, at.Child("ipBlock"))...)
		}
	}
	return errs
}

// validateBlock follows the legacy rules for addresses (leading zeroes and host bits are taken with a warning).
func validateBlock(block *networkingv1.IPBlock, path *field.Path) field.ErrorList {
	_, outer, err := netutils.ParseCIDRSloppy(block.CIDR)
	if err != nil {
		return field.ErrorList{field.Invalid(path.Child("cidr"), block.CIDR, "is not a CIDR")}
	}
	var errs field.ErrorList
	for i, text := range block.Except {
		at := path.Child("except").Index(i)
		_, inner, err := netutils.ParseCIDRSloppy(text)
		if err != nil {
			errs = append(errs, field.Invalid(at, text, "is not a CIDR"))
			continue
		}
		outerBits, _ := outer.Mask.Size()
		innerBits, _ := inner.Mask.Size()
		if !outer.Contains(inner.IP) || outerBits >= innerBits {
			errs = append(errs, field.Invalid(at, text, "must be a strict subset of cidr"))
		}
	}
	return errs
}

// address reads an IP as the agent does.
func address(text string) (netip.Addr, bool) {
	parsed, err := netip.ParseAddr(text)
	return parsed.Unmap(), err == nil
}
