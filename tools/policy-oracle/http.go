package main

import (
	"regexp"
	"slices"
	"strings"

	cilium "github.com/cilium/proxy/go/cilium/api"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// httpAllowed does what Cilium's filter in Envoy does (cilium/proxy, network_policy.cc) with the rules that the agent sends it:
// a request passes if some rule for its peer and port has no HTTP rules or one that matches.
func httpAllowed(direction *policy.L4DirectionPolicy, subject *party, computed *policy.EndpointPolicy, peer *party, query Query) bool {
	for filter := range direction.Filters() {
		if filter.U8Proto != u8proto.TCP && filter.U8Proto != u8proto.ANY {
			continue
		}
		for selector, rules := range filter.PerSelectorPolicies {
			if rules.IsDeny() || !selector.IsWildcard() && !selector.Selects(peer.identity.ID) ||
				!coversPort(filter, subject, computed, peer, query.Port) {
				continue
			}
			// A rule with a listener counts on that listener only; this request is on the HTTP one.
			if rules != nil && rules.Listener != "" {
				continue
			}
			if rules == nil || len(rules.HTTP) == 0 || slices.ContainsFunc(rules.EnvoyHTTPRules().HttpRules, query.HTTP.matches) {
				return true
			}
		}
	}
	return false
}

func coversPort(filter *policy.L4Filter, subject *party, computed *policy.EndpointPolicy, peer *party, port uint16) bool {
	first := filter.Port
	if filter.PortName != "" {
		if filter.Ingress {
			first = subject.GetIngressNamedPort(filter.PortName, filter.U8Proto)
		} else {
			ids := slices.Values([]identity.NumericIdentity{peer.identity.ID})
			for _, named := range computed.SelectorPolicy.GetEgressNamedPorts(filter.PortName, filter.U8Proto, ids) {
				first = named
			}
		}
		if first == 0 {
			return false // nobody has a port of this name
		}
	}
	return first == 0 || first == port || first <= port && port <= filter.EndPort
}

// header gives the value of a header of the request, with Envoy's names for the request line.
func (h *HTTP) header(name string) (string, bool) {
	switch strings.ToLower(name) {
	case ":method":
		return h.Method, h.Method != ""
	case ":path":
		return h.Path, h.Path != ""
	case ":authority", "host":
		return h.Host, h.Host != ""
	}
	for key, value := range h.Headers {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return "", false
}

func (h *HTTP) matches(rule *cilium.HttpNetworkPolicyRule) bool {
	for _, matcher := range rule.Headers {
		if h.matchesHeader(matcher) == matcher.InvertMatch {
			return false
		}
	}
	for _, match := range rule.HeaderMatches {
		// What remains here has a mismatch action or a secret, whose value the request does not show.
		value, present := h.header(match.Name)
		equal := present && match.ValueSdsSecret == "" && (match.Value == "" || value == match.Value)
		if !equal && match.MismatchAction == cilium.HeaderMatch_FAIL_ON_MISMATCH {
			return false
		}
	}
	return true
}

func (h *HTTP) matchesHeader(matcher *routev3.HeaderMatcher) bool {
	value, present := h.header(matcher.Name)
	if !present {
		return false
	}
	text := matcher.GetStringMatch()
	if text == nil {
		return true // present
	}
	if expression := text.GetSafeRegex(); expression != nil {
		compiled, err := regexp.Compile(`^(?:` + expression.Regex + `)$`)
		return err == nil && compiled.MatchString(value)
	}
	return text.GetExact() == "" || value == text.GetExact()
}
