import assert from 'node:assert/strict';
import { moveKey } from '../../src/yaml/move-key.ts';

const move = (text: string, from: string, to: string) => moveKey(text, from.split('.'), to.split('.'));

describe('A key that gets another name', () => {
  it('is renamed where it stands, and no other byte changes', () => {
    const text = '# head\r\na:\r\n    "b":   0x10   # why\r\n\r\n    c: [ 1,2 ]\r\n';
    assert.equal(move(text, 'a.b', 'a.z'), text.replace('"b"', '"z"'));
    assert.equal(move('{"a": {"b": 1}}', 'a.b', 'a.z'), '{"a": {"z": 1}}');
  });

  it('keeps its quotes, without which a colon right behind it would be a part of it', () => {
    assert.equal(move('{"a":{"b":1}}', 'a.b', 'a.z'), '{"a":{"z":1}}');
    assert.equal(move("a:\n  'b': 1\n", 'a.b', 'a.z'), "a:\n  'z': 1\n");
  });

  it('may be a section', () => assert.equal(move('a:\n  b: 1\n', 'a', 'z'), 'z:\n  b: 1\n'));

  it('is left alone where it is not written', () => {
    for (const text of ['', '# nothing\n', 'a:\n', 'a: 1\n', 'z: { b: 1 }\n', '- a\n']) {
      assert.equal(move(text, 'a.b', 'a.z'), text);
    }
  });
});

describe('A key that moves to another section', () => {
  it('goes behind its keys, with its comments; the rest keeps comments, order, words and indent', () => {
    const text = `# head
a:
    # about b
    b: 0660 # octal
    c: 'yes'

# about d
d:
    e: [1, 2]
`;
    assert.equal(
      move(text, 'a.b', 'd.z'),
      `# head
a:
    c: 'yes'

# about d
d:
    e: [ 1, 2 ]
    # about b
    z: 0660 # octal
`,
    );
  });

  it('makes the section where there is none, and leaves none behind that is empty', () => {
    assert.equal(move('a:\n  b:\n    c: 1\nd: 2\n', 'a.b.c', 'x.y.z'), 'd: 2\nx:\n  y:\n    z: 1\n');
    assert.equal(move('a: { b: 1 }\n', 'a', 'x.y'), 'x:\n  y: { b: 1 }\n');
  });
});
