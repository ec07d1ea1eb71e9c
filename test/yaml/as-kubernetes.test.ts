// What sigs.k8s.io/yaml, which kubectl and the API server read with, makes of a table of scalars, keys and
// documents (test/vectors/yaml/maker makes it): we read each alike, or refuse it by name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readYaml } from '../../src/yaml/read-yaml.ts';
import { AS_KUBERNETES } from '../../src/yaml/yaml-rules.ts';

interface Vector {
  readonly text: string;
  readonly json?: unknown;
  readonly refused?: true;
}

const FILE = path.resolve(import.meta.dirname, '../vectors/yaml/kubernetes.json');
const table = JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<string, readonly Vector[]>>;
const vectors = Object.values(table).flat();

/** Kubernetes reads no second document of a text; a file is cut before it is read. */
function read(text: string): { readonly first: unknown; readonly problems: readonly string[] } {
  const { documents, problems } = readYaml(text, 'v.yaml', AS_KUBERNETES);
  return { first: documents[0]?.data ?? null, problems: problems.map(({ problem }) => problem) };
}

/** What Kubernetes reads and we do not, by what we say of it: nobody can mean it, or no two tools read it alike. */
const REFUSED: readonly (readonly [texts: RegExp, told: RegExp])[] = [
  [/^a: 1\n\.\.\.\nb: 2\n$/, /behind the end of a document/],
  [/\r(?!\n)|[\u0085\u2028\u2029]/, /ends lines otherwise/],
  [/^(a: 1\na: 2|yes: 1\ntrue: 2|0400: 1\n256: 2|a: \{b: 1, b: 2\})\n$/, /written twice/],
  [/^\[-, a\]\n$/, /Implicit keys/],
  [/^a: &x 1\n---\nb: \*x\n$/, /not written before it/],
  [/^a: &x yes\n\*x : 1\n$/, /key that is text/],
  [/^[^'"]*(^|[ {])!(?!!(str|map|seq)\b)|^(a: )?!!(map yes|seq 1)/, /tag that cannot be used|key that is text/],
  [/^[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*|\d[\d_]*(?=[eE]))([eE][-+]?\d{1,2}|[eE]-\d+)?: a\n$/, /key that is no text/],
  [/^([-+]?\.inf|\.nan): a\n$/i, /key that is no text/],
  [/^[-+]?\d{16,}: a\n$/, /key that is no text/],
];

/** What Kubernetes refuses and we read: it is in no cluster, or it is JSON, which Kubernetes reads with another reader. */
const READ = ['...\n', '- a\n-\tb\n', '&a: a\n', '"\\/": a\n', 'a: "\\/"\n', 'a: "\\ud83d\\ude00"\n'];

describe('A manifest as Kubernetes reads it', () => {
  for (const { text, json, refused } of vectors) {
    const words = JSON.stringify(text);
    const told = REFUSED.find(([texts]) => texts.test(text))?.[1];
    if (refused === true) {
      if (READ.includes(text)) continue;
      it(`is refused: ${words}`, () => assert.notDeepEqual(read(text).problems, []));
    } else if (told !== undefined) {
      it(`is refused by name: ${words}`, () => assert.match(read(text).problems.join(), told));
    } else {
      it(`means the same: ${words}`, () =>
        assert.deepEqual({ problems: [], first: json }, { problems: read(text).problems, first: read(text).first }));
    }
  }
});
