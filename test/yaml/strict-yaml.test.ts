import assert from 'node:assert/strict';
import { parsePolicyDocuments } from '../../src/adapters/policy/source/parse-documents.ts';
import { bundleText, HEAD, localText, problemsOf } from '../adapters/policy/source/documents.ts';

const MEBIBYTE = 1024 * 1024;

/** No measurement: what would not come to an end comes to one. */
const AT_ONCE_MS = 5_000;
/** The same, for the most lexemes that are read. */
const SOON_MS = 30_000;

function msOf(run: () => void): number {
  const begin = performance.now();
  run();
  return performance.now() - begin;
}

describe('A file that is no policy', () => {
  const refused: readonly [what: string, text: string, problem: RegExp][] = [
    ['is empty', '', /^1:1 : holds no policy document$/],
    ['is a comment', '# later\n', /^1:1 : holds no policy document$/],
    ['is separators alone', '---\n---\n', /^1:1 : holds no policy document$/],
    ['is a null', '~', /^1:1 : must be a mapping$/],
    ['is binary', 'MZ\0\u0001', /^1:1 : is not UTF-8 text$/],
    ['is in another encoding', Buffer.from([0xe9, 0x3a, 0x20, 0x31]).toString('utf8'), /^1:1 : is not UTF-8 text$/],
    ['is not YAML', 'a: [', /^1:5 : /],
    ['has more on a line than it may', 'a: |hunter2', /^1:\d+ : Block scalar header includes extra characters$/],
    ['has an escape that is none', String.raw`a: "\uhunt"`, /^1:5 : has an escape that YAML does not know$/],
    ['is a tab where YAML has blanks', 'a:\n\tb: 1', /^2:1 : Tabs are not allowed as indentation/],
    ['has a key twice', 'a: 1\nb: { c: 1, c: 2 }', /^2:12 b\.c: is written twice$/],
    ['has a key twice, once in quotes', 'a: 1\n"a": 2', /^2:1 a: is written twice$/],
    ['has a list as key', '? [a]\n: 1', /^1:3 : must have a key that is text$/],
    ['was not rendered', 'a: {{ .Values.a }}', /^1:5 : is a template, such as of Helm, that was not rendered: /],
    ['has an anchor', 'a: &x 1', /^1:7 a: has a YAML anchor, which a policy must not$/],
    ['has an anchor on a key', '&x a: 1', /^1:4 a: has a YAML anchor, which a policy must not$/],
    ['has an alias', 'a: *x', /^1:4 a: uses a YAML alias, which a policy must not$/],
    ['has an alias as key', '*x : 1', /^1:1 : must have a key that is text$/],
    ['merges a mapping', '<<: { a: 1 }', /^1:1 : uses a YAML merge key, which a policy must not$/],
    ['has a tag', 'a: !!binary aGk=', /^1:13 a: has a YAML tag, which a policy must not$/],
    ['has a tag of its own', 'a: !run {}', /^1:9 a: has a YAML tag, which a policy must not$/],
    ['has a number that JSON lacks', 'a: .nan', /^1:4 a: is no value that JSON has$/],
    ['has half a character', String.raw`a: "\ud800"`, /^1:4 a: is no value that JSON has$/],
    ['has half a character in a name', String.raw`"\ud800": 1`, /is no name for a field$/],
    ['reaches for the prototype', '__proto__: { kind: PolicyBundle }', /^1:1 __proto__: is no name for a field$/],
    ['is 65 levels deep', `a: ${'['.repeat(64)}${']'.repeat(64)}`, /^1:6\d .*: is nested deeper than 64 levels$/],
  ];
  for (const [what, text, problem] of refused) {
    it(`is refused when it ${what}`, () => assert.match(problemsOf(text)[0] ?? 'taken', problem));
  }

  it('is told, of a template, that it is one and nothing else', () => {
    const template = '{{- if .Values.x }}\nkind: IssuancePolicy\nmetadata: { name: {{ .Release.Name }} }\n{{- end }}\n';
    assert.deepEqual(problemsOf(template), [
      '1:2 : is a template, such as of Helm, that was not rendered: {{ }} is no YAML',
    ]);
  });

  it('may be 64 levels deep, and is then refused for what it says', () => {
    assert.match(problemsOf(`a: ${'['.repeat(63)}${']'.repeat(63)}`)[0] ?? '', /kind: must be one of/);
  });

  it('is repeated in its problems in one short line, whatever it holds', () => {
    const long = 'x'.repeat(10_000);
    const texts = [
      `a: [ "${long}" "b" ]`,
      `"a\\n${long}": &x 1`,
      `kind: IssuancePolicy\n"a\\n${long}": 1`,
      `kind: "a\\n${long}"`,
    ];
    for (const text of texts) {
      const [problem = ''] = problemsOf(text);
      assert.match(problem, /^.{5,250}$/);
    }
  });

  it('does not spoil the documents beside it', () => {
    const { documents, problems } = parsePolicyDocuments(`${localText()}---\na: &x 1\n---\n${bundleText()}`, 'p.yaml');
    assert.equal(documents.length, 2);
    assert.equal(problems.length, 1);
  });

  it('is told of at most 1,000 problems', () => {
    const text = `${HEAD}kind: PolicyBundle\n${Array.from({ length: 2_000 }, (_, n) => `k${n}: 1\n`).join('')}`;
    assert.equal(problemsOf(text).length, 1_000);
  });
});

describe('A file that is made to be costly', () => {
  it('is refused by its size before anything reads it: 50 MB in milliseconds', () => {
    const text = 'a: [b, c, d]\n'.repeat(4_000_000);
    const ms = msOf(() => assert.deepEqual(problemsOf(text), ['1:1 : is larger than 1048576 bytes']));
    assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  });

  it('is measured in bytes, not in characters', () => {
    assert.deepEqual(problemsOf('é'.repeat(MEBIBYTE / 2 + 1)), ['1:1 : is larger than 1048576 bytes']);
  });

  it('cannot grow by aliases of aliases', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `l${n}: &l${n} [${n === 0 ? 'x' : `*l${n - 1}, `.repeat(9)}]`);
    const ms = msOf(() => {
      const problems = problemsOf(levels.join('\n'));
      assert.match(problems[0] ?? '', /has a YAML anchor/);
      assert.match(problems[1] ?? '', /has a YAML anchor|uses a YAML alias/);
    });
    assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  });

  for (const opening of ['[', '{a: ', '- ', 'a: ', '? ', '[{a: ']) {
    it(`cannot overflow the stack by nesting ${JSON.stringify(opening)}`, () => {
      const text = opening.repeat(Math.floor(MEBIBYTE / opening.length));
      const ms = msOf(() => assert.match(problemsOf(text)[0] ?? '', /^1:\d+ : is nested deeper than 64 levels$/));
      assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
    });
  }

  const wide: readonly [what: string, text: string, problem: RegExp][] = [
    ['entries', `a: [${'1,'.repeat(500_000)}]`, /has more than 400000 words and marks in one file$/],
    ['documents', '---\na: 1\n'.repeat(1_001), /^2001:1 : is one more than 1000 documents in one file$/],
    ['values', `[${'a,'.repeat(100_000)}]`, /: is one more than 100000 values in one file$/],
  ];
  for (const [what, text, problem] of wide) {
    it(`cannot hold a server up with ${what}`, () => {
      const ms = msOf(() => assert.match(problemsOf(text)[0] ?? 'taken', problem));
      assert.ok(ms < SOON_MS, `${ms} ms`);
    });
  }

  it('cannot hold a server up with a key as long as the file', () => {
    const text = `${HEAD}kind: PolicyBundle\n? ${'k'.repeat(1_000_000)}\n: 1`;
    const ms = msOf(() => assert.match(problemsOf(text).at(-1) ?? '', /: is no field here; known fields: apiVersion/));
    assert.ok(ms < SOON_MS, `${ms} ms`);
  });
});
