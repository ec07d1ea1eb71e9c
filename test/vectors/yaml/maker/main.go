// Makes ../kubernetes.json: how Kubernetes' own reader, sigs.k8s.io/yaml, reads plain scalars, keys and whole
// documents. Run it after a change of its version or of the tables below:
//
//	cd test/vectors/yaml/maker && go run . > ../kubernetes.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// What was read, as JSON, or that it was refused. The words of a refusal are the library's own.
type vector struct {
	Text    string          `json:"text"`
	JSON    json.RawMessage `json:"json,omitempty"`
	Refused bool            `json:"refused,omitempty"`
}

func read(text string) vector {
	made, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return vector{Text: text, Refused: true}
	}
	return vector{Text: text, JSON: made}
}

func main() {
	table := map[string][]vector{}
	for _, scalar := range scalars() {
		table["values"] = append(table["values"], read("a: "+scalar+"\n"))
		table["keys"] = append(table["keys"], read(scalar+": a\n"))
	}
	for _, text := range documents {
		table["documents"] = append(table["documents"], read(text))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(table); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Words that YAML 1.1 gives a meaning, in every case; numbers in every base and spelling; what only looks like one.
func scalars() []string {
	var all []string
	for _, word := range []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "t", "f", "nil", "none", "ja"} {
		all = append(all, word, strings.ToUpper(word), strings.ToUpper(word[:1])+word[1:])
		if len(word) > 2 {
			all = append(all, word[:1]+strings.ToUpper(word[1:]))
		}
	}
	return append(all,
		"", "~", "~x", "null ", "nUll", "<<", "'<<'", "=", "-", "+", ".", "..", "...x", "_", "_1", "-_1",
		"0", "-0", "+0", "00", "-00", "0.0", "-0.0", "7", "07", "08", "09", "007", "0400", "0644", "-0400", "+0400", "0_400", "04_00",
		"0o17", "0O17", "0o18", "-0o17", "0o", "0x1f", "0X1F", "0x1g", "-0x1f", "+0x1f", "0x", "0x1_f", "0xffffffffffffffff",
		"0b11", "0B11", "0b12", "-0b11", "+0b11", "0b", "0b1_1", "1_000", "1__000", "1_000.5", "1_", "1_000_", "-1_000",
		"12", "+12", "-12", "+-12", "--12", "12a", "1 2", "1,000", "1.", "1.0", "1.5", "-1.5", "+1.5", ".5", "-.5", "+.5", ".5.", ".5_0", "0.5_0",
		"1e3", "1E3", "1e+3", "1e-3", "-1e3", "1.e3", "1.5e3", ".5e3", "e3", "1e", "1e400", "-1e400", "1e-400", "1_0e3", "0e0", "01e3", "0x1p3", "0x.8p1", ".0x1",
		"9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"18446744073709551615", "18446744073709551616", "0777777777777777777777777", "123456789.5", "1000000.0", "0.00001",
		".inf", ".Inf", ".INF", "+.inf", "-.inf", ".nan", ".NaN", ".NAN", "+.nan", "inf", "nan", "Infinity", "NaN", ".infinity",
		"22:22", "22:22:22", "-22:22", "1:60", "0:0", "22:22.5", "190:20:30.15", "10.0.0.1", "1.2.3", "1.20", "v1", "1m", "100m", "1Gi", "5s", "1h30m",
		"2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43Z", "2001-12-14 21:59:43.10", "2001-12-14 21:59:43.10 -5", "2001-13-01", "01-01-2001", "2001", "2001-01",
		"!!str yes", "!!str 1", "!!bool yes", "!!bool 'yes'", "!!bool maybe", "!!int 7", "!!int '0400'", "!!int 1.5", "!!int x", "!!float 1", "!!float x", "!!null x", "!!null ''",
		"!!binary aGVsbG8=", "!!binary '!'", "!!binary /w==", "!!timestamp 2001-01-01", "!!timestamp x", "!own yes", "!own 1", "! 1", "! yes", "!!map yes", "!!seq 1",
		"'yes'", "\"yes\"", "'1'", "\"1\"", "'null'", "''", "\"\"", "'~'", "\"\\x41\"", "\"\\u00e9\"", "\"\\_\"", "\"\\/\"", "\"\\N\"", "\"a\\\n  b\"",
		"yes no", "yes # not a part of it", "yes#a part of it", "é", "😀", "a'b", "a\"b", "a:b", "a#b", "@a", "`a`", "%a", "*a", "&a", "&a yes", "|", ">", "?", "? a", ":", ":a", "-a", "- a", "[", "]", "{a}", "[yes, no, 0400]", "{yes: no}", "!!", "!<tag:yaml.org,2002:bool> yes",
	)
}

var documents = []string{
	"", "\n", "# nothing\n", "---\n", "---\n---\n", "~\n", "null\n", "yes\n", "0400\n", "[]\n", "{}\n", "...\n", "--- yes\n", "--- # a comment\na: yes\n",
	"a: 1\n...\n", "a: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "a: 1\n...\n---\nb: 2\n", "%YAML 1.1\n---\na: yes\n", "%YAML 1.2\n---\na: yes\n", "%TAG ! tag:x,2000:\n---\na: !y 1\n",
	"\ufeffa: yes\n", "a: yes\r\nb: no\r\n", "a: yes\rb: no\r", "a: x\u0085b: no\n", "a: x\u2028b: no\n", "a: x\u2029b: no\n", "a: 'x\u0085y'\n", "a: \"x\u2028y\"\n", "a: |\n  x\u2028y\n", "# x\u0085a: yes\n", "a:\u00a0yes\n", "a: \u00a0yes\n",
	"a:\tyes\n", "a: yes\t\n", "\ta: yes\n", "a:\n\tb: yes\n", "a:\n  b:\tyes\n", "- a\n-\tb\n", "a: [\tyes,\tno\t]\n", "{\n\t\"a\": [1, true, null],\n\t\"b\": \"yes\"\n}\n", "a: 'x\ty'\n", "a: x\ty\n",
	"a: 1\na: 2\n", "yes: 1\ntrue: 2\n", "0400: 1\n256: 2\n", "a: {b: 1, b: 2}\n", "? a\n: yes\n", "? [a]\n: yes\n", "? {a: 1}\n: yes\n", "{a, b: yes}\n", "{a: , b: }\n", "[a: yes, b]\n", "{\"a\":yes}\n", "{a:yes}\n", "[a,b ,yes]\n", "{a: b:c}\n", "[-, a]\n", "[yes, ]\n", "[, yes]\n",
	"a: &x yes\nb: *x\n", "a: &x 0400\nb: *x\n", "a: &x {b: yes}\nc: *x\n", "a: &x 1\nb: &x 2\nc: *x\n", "a: *x\n", "a: &x [*x]\n", "&x a: 1\nb: *x\n", "&x yes: 1\nb: *x\n", "a: &x yes\n*x : 1\n", "a: &x 1\n---\nb: *x\n",
	"a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n", "a: &x {b: 1, c: 2}\nd: {b: 3, <<: *x}\n", "a: &x {b: 1}\ne: &y {b: 2, c: 2}\nd: {<<: [*x, *y]}\n", "a: &x {b: 1}\ne: &y {b: 2, c: 2}\nd: {<<: *x, <<: *y}\n", "a: {<<: {b: 1}}\n", "a: {<<: [{b: 1}, {b: 2, c: 3}]}\n", "a: {'<<': {b: 1}}\n", "a: {<<: 1}\n", "a: {<<: }\n", "a: {<<: [1]}\n", "a: &x [{b: 1}]\nc: {<<: *x}\n", "a: {!!merge <<: {b: 1}}\n", "a: {!!str <<: {b: 1}}\n", "a: &x {<<: {b: 1}, c: 2}\nd: {<<: *x}\n", "a: {<<: {yes: 1}, on: 2}\n",
	"a: yes\n  no\n", "a: 1\n  2\n", "a: |\n  yes\n", "a: >-\n  yes\n", "a: >-\n  0400\n", "a: |2\n   x\n", "a: |+\n  x\n\n", "a: \"yes\n  no\"\n", "a: 'it''s'\n", "a: \"\\u0079es\"\n", "a:\n- yes\n- no\n", "a:\n  - - yes\n    - 0b1\n", "- yes\n- a: on\n  b: off\n", "a: yes # comment\n", "a: 'yes' # comment\n", "a:\n# comment\n  yes\n", "a: !!str\n", "a: !!null\n", "a: &x\nb: *x\n", "a: !!map\n  b: yes\n", "a: !!seq\n  - yes\n", "a: !!set {b, c}\n", "a: !!omap [b: yes]\n", "!!map\na: yes\n", "a: !<tag:yaml.org,2002:int> 0o17\n", "a: !!int\n", "!!binary aGVsbG8=: 1\n",
	"a: 1\n b: 2\n", "a: [1\n", "a: b: c\n", "a: 'b\n", "a: {{ .Values.x }}\n", "{{ if .Values.x }}\na: 1\n{{ end }}\n", "a: @b\n", "a\n", "- a\nb: 1\n", "a: - b\n", "a: [b]]\n", "a: \"\\q\"\n", "a: %b\n", "a: \x01\n", "a: \"\\ud83d\\ude00\"\n", "a: \"\\ud83d\"\n", "1: a\n2: b\n", "true: a\nfalse: b\n", "null: a\n", ": a\n", "? \n: a\n", "1.5: a\n", "2001-01-01: a\n", "~: a\n", ".inf: a\n", "12345678901234567890: a\n",
}
