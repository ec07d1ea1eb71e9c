import assert from 'node:assert/strict';
import { formatPosition } from '../../src/domain/text/position.ts';
import { readYaml } from '../../src/yaml/read-yaml.ts';
import type { YamlRules } from '../../src/yaml/yaml-rules.ts';

const RULES: YamlRules = {
  kind: 'a letter',
  maxBytes: 1_000,
  notText: /[\0\uFFFD]/,
  maxLexemes: 1_000,
  maxValues: 100,
  maxProblems: 3,
  documents: 2,
  anchors: 'unused',
  scalars: 'unambiguous',
};

function read(text: string, rules: Partial<YamlRules> = {}) {
  const { documents, problems } = readYaml(text, 'x', { ...RULES, ...rules });
  const told = problems.map(({ position, path, problem }) => `${formatPosition(position)} ${path}: ${problem}`);
  return { documents, data: documents.map(({ data }) => data), told };
}

describe('A text that is no manifest', () => {
  it('is no text with characters that its rules do not allow', () => {
    assert.deepEqual(read('a: \0').told, ['x:1:1 : is not UTF-8 text']);
    assert.deepEqual(read('a: \uFFFD', { notText: /\0/ }).data, [{ a: '\uFFFD' }]);
  });

  it('has as many documents as its rules allow, and null is one of them', () => {
    assert.deepEqual(read('a: 1\n---\n~\n').data, [{ a: 1 }, null]);
    assert.deepEqual(read('a\n---\nb\n---\nc\n').told, ['x:4:1 : is one more than 2 documents in one file']);
    assert.deepEqual(read('a\n---\n', { documents: 1 }).told, [
      'x:2:1 : begins another YAML document; a letter is one, so take the line --- away',
    ]);
  });

  it('may have anchors that nothing uses, where its rules do not forbid them too', () => {
    assert.deepEqual(read('a: &x 1').data, [{ a: 1 }]);
    assert.deepEqual(read('a: &x 1', { anchors: 'none' }).told, [
      'x:1:7 a: has a YAML anchor, which a letter must not',
    ]);
    assert.deepEqual(read('a: &x 1\nb: *x\n<<: { c: 1 }').told, [
      'x:2:4 b: uses a YAML alias, which a letter must not',
      'x:3:1 : uses a YAML merge key, which a letter must not',
    ]);
  });

  it('may say of a value what it is, and nothing else', () => {
    assert.deepEqual(read('a: !!str 1').data, [{ a: '1' }]);
    assert.deepEqual(read('a: !!int 1').told, ['x:1:10 a: has a tag that cannot be used']);
  });

  it('is given beside its ambiguous words when these are all that is wrong, and its rules say so', () => {
    const text = 'yes: no\n';
    const told = [
      'x:1:1 yes: is true to Kubernetes: put it in quotes',
      "x:1:6 yes: is false to Kubernetes and the text 'no' to YAML 1.2: write false, or put it in quotes",
    ];
    assert.deepEqual([read(text).data, read(text).told], [[], told]);
    const kept = read(text, { keepAmbiguous: true });
    assert.deepEqual([kept.data, kept.told], [[{ yes: false }], told]);
    assert.deepEqual(read(`${text}a: 1\na: 2\n`, { keepAmbiguous: true }).data, []);
  });

  it('is told with as many problems as its rules allow', () => assert.equal(read('a: 1\n'.repeat(9)).told.length, 3));

  it('has as many values as its rules allow, all documents together, and is told so once', () => {
    const list = `[${'a,'.repeat(60)}]`;
    assert.deepEqual(read(`${list}\n---\n${list}`).told, ['x:3:78 38: is one more than 100 values in one file']);
  });

  it('knows where each value begins, and how it is spelled', () => {
    const [document] = read('a:\n  b: 1.10\n  c: [x, { id: w, d: "1.10" }]\n').documents;
    const valueAt = (...path: (string | number)[]) => {
      const { position, spelling } = document!.valueAt(path);
      return `${formatPosition(position)} ${String(spelling)}`;
    };
    assert.equal(valueAt('a', 'b'), 'x:2:6 1.10');
    assert.equal(valueAt('a', 'c', 1, 'd'), 'x:3:22 undefined');
    assert.equal(valueAt('a', 'c', 'w', 'd'), 'x:3:22 undefined');
    assert.equal(valueAt('a', 'b', 'missing'), 'x:2:6 1.10');
  });
});
