// What operators search for must be where they look for it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { REASONS } from '../../src/domain/reasons.ts';

describe('docs/refusals.md', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/refusals.md'), 'utf8');
  const rows = new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('| CAP-'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, reason = '', status = '', text = '']) => [reason, { status, text }]),
  );

  it('has every reason that the server can give, and no other', () => {
    assert.deepEqual([...rows.keys()].sort(), Object.keys(REASONS).sort());
  });

  for (const [reason, { text }] of Object.entries(REASONS)) {
    it(`says of ${reason} what the server says`, () => assert.equal(rows.get(reason)?.text, text));
  }
});

describe('The documentation', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const pages = [
    ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
    ...['docs', 'istio-config', 'test'].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => path.join(folder, name)),
    ),
  ];

  for (const page of pages) {
    it(`names only files that exist, in ${page}`, () => {
      const text = readFileSync(path.join(root, page), 'utf8');
      const named = [...text.matchAll(/`((?:src|test|istio-config|protos)\/[\w./-]+)`/g)].map(
        (match) => match[1] ?? '',
      );
      const linked = [...text.matchAll(/\]\(([\w./-]+)(?:#[\w-]*)?\)/g)].map((match) =>
        path.join(path.dirname(page), match[1] ?? ''),
      );
      assert.deepEqual(
        [...named, ...linked].filter((file) => !existsSync(path.join(root, file))),
        [],
      );
    });

    it(`links to headings that there are, in ${page}`, () => {
      const links = readFileSync(path.join(root, page), 'utf8').matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g);
      const dead = [...links].filter(([, file = '', heading = '']) => {
        const target = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
        return target.endsWith('.md') && !headingsOf(readFileSync(target, 'utf8')).has(heading);
      });
      assert.deepEqual(
        dead.map(([link]) => link),
        [],
      );
    });
  }
});

/** @returns what GitHub calls the headings of a page, each without what tells two of one name apart. */
function headingsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('The threat model', () => {
  const rows = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8')
    .split('### ')
    .slice(1)
    .flatMap((part) => part.split('\n').filter((line) => line.startsWith('| ')))
    .filter((line) => !/^\| (threat|---) \|/.test(line));

  it('ties every threat to a test', () => {
    assert.ok(rows.length > 100);
    for (const row of rows) assert.match(row.split(' | ')[2] ?? '', /`test\/[^`]+`/, row);
  });

  it('lists no threat twice', () => {
    const threats = rows.map((row) => row.split(' | ')[0]);
    assert.equal(new Set(threats).size, threats.length);
  });
});
