package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// document is one object of a YAML text, as `kubectl apply` would send it.
type document struct {
	apiVersion string
	kind       string
	name       string
	namespace  string
	content    map[string]any
}

// label names a document in an answer: `shop/web`, cluster-wide `web`.
func (d *document) label() string {
	if d.namespace == "" {
		return d.name
	}
	return d.namespace + "/" + d.name
}

// documents reads every object of the text; those of a list one by one.
func documents(text string) ([]*document, error) {
	var found []*document
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		part, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		converted, err := yaml.YAMLToJSON(part)
		if err != nil {
			return found, err
		}
		if bytes.Equal(bytes.TrimSpace(converted), []byte("null")) {
			continue
		}
		var content map[string]any
		if err := unmarshal(converted, &content); err != nil {
			return found, fmt.Errorf("not an object: %w", err)
		}
		items, isList := content["items"].([]any)
		kind, _ := content["kind"].(string)
		if !isList || !strings.HasSuffix(kind, "List") {
			items = []any{content}
		}
		for _, item := range items {
			object, ok := item.(map[string]any)
			if !ok {
				return found, fmt.Errorf("%s: an item is not an object", kind)
			}
			found = append(found, newDocument(object))
		}
	}
}

func newDocument(content map[string]any) *document {
	apiVersion, _ := content["apiVersion"].(string)
	kind, _ := content["kind"].(string)
	metadata, _ := content["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	if clusterScoped[kind] {
		// The API server clears it.
		delete(metadata, "namespace")
		namespace = ""
	} else if namespace == "" {
		namespace = "default"
		if metadata != nil {
			metadata["namespace"] = namespace
		}
	}
	return &document{apiVersion: apiVersion, kind: kind, name: name, namespace: namespace, content: content}
}

var clusterScoped = map[string]bool{
	"CiliumClusterwideNetworkPolicy": true,
	"CiliumCIDRGroup":                true,
	"Namespace":                      true,
}

// decode turns the object into a typed one, without case folding, as the API machinery does.
func (d *document) decode(into any) error {
	text, err := json.Marshal(d.content)
	if err != nil {
		return err
	}
	return unmarshal(text, into)
}
