package main

import (
	"fmt"
	"log/slog"

	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

func unmarshal(text []byte, into any) error {
	return kjson.UnmarshalCaseSensitivePreserveInts(text, into)
}

// customResource is what the API server knows of one of Cilium's own kinds.
type customResource struct {
	apiVersion string
	namespaced bool
	structural *schema.Structural
	validator  validation.SchemaValidator
}

var customResourceNames = map[string]string{
	"CiliumNetworkPolicy":            client.CNPCRDName,
	"CiliumClusterwideNetworkPolicy": client.CCNPCRDName,
	"CiliumCIDRGroup":                client.CCGCRDName,
}

// newCustomResources reads the definitions that Cilium's operator installs.
func newCustomResources(logger *slog.Logger) (map[string]*customResource, error) {
	resources := map[string]*customResource{}
	for kind, name := range customResourceNames {
		definition := client.GetPregeneratedCRD(logger, name)
		resource, err := newCustomResource(&definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		resources[kind] = resource
	}
	return resources, nil
}

func newCustomResource(definition *apiextensionsv1.CustomResourceDefinition) (*customResource, error) {
	for _, version := range definition.Spec.Versions {
		if !version.Storage {
			continue
		}
		internal := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, internal, nil); err != nil {
			return nil, err
		}
		structural, err := schema.NewStructural(internal)
		if err != nil {
			return nil, err
		}
		validator, _, err := validation.NewSchemaValidator(internal)
		if err != nil {
			return nil, err
		}
		return &customResource{
			apiVersion: definition.Spec.Group + "/" + version.Name,
			namespaced: definition.Spec.Scope == apiextensionsv1.NamespaceScoped,
			structural: structural,
			validator:  validator,
		}, nil
	}
	return nil, fmt.Errorf("no stored version")
}

// admit does with the object what the API server does before it stores it, in the same order.
func (r *customResource) admit(object map[string]any) error {
	if version, _ := object["apiVersion"].(string); version != r.apiVersion {
		return fmt.Errorf("apiVersion: %q is not served, write %s", version, r.apiVersion)
	}
	meta, found, err := objectmeta.GetObjectMeta(object, false)
	if err != nil {
		return err
	}
	if !found {
		return field.Required(field.NewPath("metadata"), "")
	}
	pruning.Prune(object, r.structural, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, r.structural)
	defaulting.Default(object, r.structural)
	if err := objectmeta.SetObjectMeta(object, meta); err != nil {
		return err
	}
	errs := apivalidation.ValidateObjectMeta(meta, r.namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, object, r.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, r.structural, object)...)
	// The one CEL rule of these definitions.
	if r.structural.Properties["specs"].Type != "" && object["spec"] == nil && object["specs"] == nil {
		errs = append(errs, field.Invalid(nil, nil, "spec or specs must be provided"))
	}
	return errs.ToAggregate()
}
