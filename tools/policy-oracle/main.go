// The policy oracle answers who may talk to whom under a set of network policies, decided by Cilium's own policy code.
// It is the measure that the reachability engine in proof/reachability is compared with; see README.md.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	lines := flag.Bool("lines", false, "one request per line, one answer per line")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *lines); err != nil {
		fmt.Fprintln(os.Stderr, "policy-oracle:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, lines bool) error {
	oracle, err := newOracle()
	if err != nil {
		return err
	}
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	if !lines {
		text, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		answer, err := oracle.answerJSON(text)
		if err != nil {
			return err
		}
		encoder.SetIndent("", "  ")
		return errors.Join(encoder.Encode(answer), writer.Flush())
	}
	reader := bufio.NewReader(in)
	for {
		line, readErr := reader.ReadBytes('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return readErr
		}
		if len(line) > 0 {
			answer, err := oracle.answerJSON(line)
			if err != nil {
				// A request that makes no sense is answered, so that lines stay in step.
				answer = &Answer{Error: err.Error()}
			}
			if err := errors.Join(encoder.Encode(answer), writer.Flush()); err != nil {
				return err
			}
		}
		if readErr != nil {
			return nil
		}
	}
}
