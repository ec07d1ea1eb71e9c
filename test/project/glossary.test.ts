import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const HOME = path.resolve(import.meta.dirname, '../..');
const DOCS = path.join(HOME, 'docs');

describe('The glossary', () => {
  const entries = readFileSync(path.join(DOCS, 'glossary.md'), 'utf8')
    .split(/^- /m)
    .slice(1)
    .map((entry) => entry.replaceAll(/\s+/g, ' ').trim());
  const terms = entries.map((entry) => /^\*\*(.+?)\*\*: /.exec(entry)?.[1] ?? entry);

  it('has its terms in order, each once', () => {
    const sorted = [...new Set(terms)].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    assert.deepEqual(terms, sorted);
  });

  it('gives each term a meaning of a sentence or three', () => {
    const odd = entries.filter((entry) => !/^\*\*[^*]+\*\*: .{20,260} Source: /.test(entry));
    assert.deepEqual(odd, []);
  });

  it('gives each term a source: a section of an RFC, another document on the web, or a page of ours', () => {
    const odd = entries.filter((entry) => !isSource(/ Source: (.+)\.$/.exec(entry)?.[1] ?? ''));
    assert.deepEqual(odd, []);
  });

  it('is found from the pages that people begin with', () => {
    for (const [page, link] of [
      ['README.md', '(docs/glossary.md)'],
      ['docs/architecture.md', '(glossary.md)'],
    ] as const) {
      assert.ok(readFileSync(path.join(HOME, page), 'utf8').includes(link), page);
    }
  });
});

function isSource(source: string): boolean {
  const [, words = '', target = '', more = ''] = /^\[([^\]]+)\]\(([^)]+)\)(.*)$/.exec(source) ?? [];
  if (/^RFC /.test(words)) {
    const section = /^, section ([\d.]+)$/.exec(more)?.[1];
    return target === `https://www.rfc-editor.org/rfc/rfc${words.slice(4)}#section-${section ?? '?'}`;
  }
  if (target.startsWith('https://')) return URL.canParse(target);
  const [page = '', heading] = target.split('#');
  const file = path.join(DOCS, page);
  return existsSync(file) && (heading === undefined || headings(file).includes(heading));
}

/** As GitHub makes anchors of them. */
function headings(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, words = '']) =>
    words
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
