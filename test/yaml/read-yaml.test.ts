import assert from 'node:assert/strict';
import { readYaml } from '../../src/yaml/read-yaml.ts';
import { AS_KUBERNETES } from '../../src/yaml/yaml-rules.ts';

function dataOf(text: string): unknown[] {
  const { documents, problems } = readYaml(text, 'all.yaml', AS_KUBERNETES);
  assert.deepEqual(problems, []);
  return documents.map(({ data }) => data);
}

function problemsOf(text: string): string[] {
  return readYaml(text, 'bad.yaml', AS_KUBERNETES).problems.map(
    ({ position: { place, line, column }, path, problem }) =>
      [`${place}:${line}:${column}`, path, problem].filter(Boolean).join(' '),
  );
}

describe('The text of a manifest', () => {
  it('may hold several documents, and those with nothing in them do not count', () =>
    assert.deepEqual(dataOf('---\n# a comment\n---\na: 1\n---\n---\nb: 2\n...\n'), [{ a: 1 }, { b: 2 }]));

  it('may hold nothing at all', () => {
    for (const text of ['', '\n\n', '# only a comment\n', '---\n']) assert.deepEqual(dataOf(text), []);
  });

  it('may be JSON, indented by tabs too', () =>
    assert.deepEqual(dataOf('{\n\t"a": [1, true, null],\n\t"b": "x"\n}\n'), [{ a: [1, true, null], b: 'x' }]));

  it('says true and false by yes, no and on, as to Kubernetes, and a date stays text', () => {
    const words = { a: true, b: false, c: true, d: '2026-01-01' };
    const text = 'a: yes\nb: no\nc: on\nd: 2026-01-01\n';
    assert.deepEqual(dataOf(text), [words]);
    assert.deepEqual(dataOf(`%YAML 1.1\n---\n${text}`), [words]);
  });

  it('has names for keys: a port number is one', () => assert.deepEqual(dataOf('80: web'), [{ 80: 'web' }]));

  it('cannot reach the prototype of what it becomes', () => {
    const [data] = dataOf('__proto__: { polluted: true }');
    assert.equal(Object.getPrototypeOf(data), Object.prototype);
    assert.equal((data as Record<string, unknown>)['polluted'], undefined);
  });

  it('knows where a field begins, or what is left of its path', () => {
    const [document] = readYaml('# head\na:\n  list:\n    - b: 1\n    - c: 2\n', 'all.yaml', AS_KUBERNETES).documents;
    const at = (...path: (string | number)[]) => {
      const { line, column } = document!.locate(path);
      return `${line}:${column}`;
    };
    assert.deepEqual(
      [at(), at('a'), at('a', 'list', 1), at('a', 'list', 1, 'c'), at('a', 'list', 9, 'c'), at('z')],
      ['2:1', '2:1', '5:7', '5:7', '3:3', '2:1'],
    );
  });
});

describe('Anchors in a manifest', () => {
  it('are written out where they are used', () =>
    assert.deepEqual(dataOf('a: &x { b: [1] }\nc: *x\nd: *x'), [{ a: { b: [1] }, c: { b: [1] }, d: { b: [1] } }]));

  it('may be merged: what stands beside wins, then the first of several', () =>
    assert.deepEqual(
      dataOf('one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall: { <<: [*one, *two], a: 0 }').map(
        (data) => (data as { all: unknown }).all,
      ),
      [{ a: 0, b: 1, c: 2 }],
    ));

  it('are names of their own in each document', () =>
    assert.deepEqual(problemsOf('a: &x 1\n---\nb: *x'), [
      'bad.yaml:3:4 b uses the anchor x, which is not written before it',
    ]));

  it('mean what they meant last, also inside what is repeated', () =>
    assert.deepEqual(dataOf('a: &o { p: &i 1, q: *i }\nb: &i 2\nc: *o\nd: *i'), [
      { a: { p: 1, q: 1 }, b: 2, c: { p: 1, q: 1 }, d: 2 },
    ]));

  it('cannot contain themselves', () =>
    assert.match(problemsOf('&a [*a]').join(), /^bad.yaml:1:5 0 uses the anchor a/));

  it('are used a hundred times a document and no more', () => {
    const uses = (count: number) => `a: &x 1\nb: [${Array.from({ length: count }, () => '*x').join(', ')}]`;
    assert.equal(dataOf(uses(100)).length, 1);
    assert.deepEqual(problemsOf(uses(101)), ['bad.yaml:2:405 b.100 is one more than 100 uses of YAML anchors']);
  });

  it('make no bomb by nesting', () => {
    const levels = 'bcdefghi'.split('').map((name, index) => {
      const uses = Array.from({ length: 9 }, () => `*${'abcdefgh'.charAt(index)}`);
      return `${name}: &${name} [${uses.join(', ')}]`;
    });
    assert.match(problemsOf(`a: &a [x]\n${levels.join('\n')}`).join(), /one more than 100 uses/);
  });

  it('make no bomb by repeating much', () => {
    const uses = Array.from({ length: 99 }, () => '*x').join(', ');
    assert.match(problemsOf(`a: &x ${'x'.repeat(60_000)}\nb: [${uses}]`).join(), /becomes too large/);
  });
});

describe('A manifest that cannot be read', () => {
  const cases: readonly [why: string, text: string, told: RegExp | string][] = [
    ['is too large', 'x'.repeat(50_000_000), 'bad.yaml:1:1 is larger than 16777216 bytes'],
    ['is no text', '\u007fELF\0\0', 'bad.yaml:1:1 is not UTF-8 text'],
    ['is in another encoding', Buffer.from([0xe9, 0x3a]).toString('utf8'), 'bad.yaml:1:1 is not UTF-8 text'],
    [
      'has more on a line than it may',
      'password: |hunter2',
      /^bad\.yaml:1:\d+ Block scalar header includes extra characters$/,
    ],
    ['has a tag that nobody knows', 'a: !hunter2!x 1', /^bad\.yaml:1:4 has a tag that cannot be used$/],
    ['has an escape that is none', String.raw`a: "\uhunt"`, /^bad\.yaml:1:5 has an escape that YAML does not know$/],
    ['has a field twice', 'a:\n  b: 1\n  b: 2', 'bad.yaml:3:3 a.b is written twice'],
    ['has a mapping for a key', '? {a: 1}\n: 1', /^bad.yaml:1:3 must have a key that is text$/],
    ['was not rendered', 'a: {{ .Values.a }}', /^bad.yaml:1:5 is a template, such as of Helm, that was not rendered: /],
    ['has half a character', 'a: "\\ud800"', 'bad.yaml:1:4 a is no value that JSON has'],
    ['has a number that is none', 'a: .nan', 'bad.yaml:1:4 a is no value that JSON has'],
    ['is indented wrongly', 'a: 1\n  b: 2', /^bad.yaml:1:4 Nested mappings/],
    ['is open at its end', 'a: [1,\n', /^bad.yaml:2:1 Flow sequence/],
    ['merges what is no mapping', '<<: [1]', 'bad.yaml:1:1 << must merge a mapping, or a list of them'],
  ];
  for (const [why, text, told] of cases) {
    it(`${why}: the problem has its place`, () => {
      const [first = ''] = problemsOf(text);
      if (typeof told === 'string') assert.equal(first, told);
      else assert.match(first, told);
    });
  }

  it('tells of a template that it is one and nothing else', () => {
    const template = '{{- if .Values.x }}\nkind: Pod\nmetadata: { name: {{ .Release.Name }} }\n{{- end }}\n';
    assert.deepEqual(problemsOf(template), [
      'bad.yaml:1:2 is a template, such as of Helm, that was not rendered: {{ }} is no YAML',
    ]);
  });

  it('nests 64 levels and no more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    assert.equal(dataOf(nested(64)).length, 1);
    assert.match(problemsOf(nested(65)).join(), /nested deeper than 64 levels$/);
  });

  it('is not followed into an abyss', () => {
    for (const level of ['[', '{a: ', '- ', '? ', 'a: ']) {
      assert.match(problemsOf(level.repeat(200_000)).join(), /nested deeper than 64|Nested mappings/, level);
    }
  });

  it('is all words and marks', () => {
    const { problems } = readYaml(`a: [${'1,'.repeat(150)}]\n---\nb: [${'1,'.repeat(150)}]`, 'bad.yaml', {
      ...AS_KUBERNETES,
      maxLexemes: 900,
    });
    assert.deepEqual(
      problems.map(({ position, problem }) => `${position.line} ${problem}`),
      ['3 has more than 900 words and marks in one file'],
    );
  });

  it('ends in the middle for Kubernetes: what stands behind three dots is read by nobody', () =>
    assert.match(problemsOf('a: 1\n...\nb: 2\n').join(), /^bad.yaml:3:1 stands behind the end of a document/));

  it('does not hide the good documents beside it', () => {
    const { documents, problems } = readYaml('a: 1\n---\nb: 1\nb: 2\n---\nc: 3', 'some.yaml', AS_KUBERNETES);
    assert.deepEqual(
      documents.map(({ data }) => data),
      [{ a: 1 }, { c: 3 }],
    );
    assert.equal(problems.length, 1);
  });

  it('is told with twenty problems at most', () =>
    assert.equal(problemsOf(Array.from({ length: 50 }, () => 'a: 1').join('\n')).length, 20));
});
