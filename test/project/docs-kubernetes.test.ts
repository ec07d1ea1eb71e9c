// Tables of docs/kubernetes.md that are made from code: what the doctor looks for, and what Capstan's service account may do.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { CHECKS } from '../../src/review/doctor/diagnose.ts';
import { formatResource, RIGHTS } from '../../src/review/doctor/rights.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/kubernetes.md');

const PLACES = {
  cluster: 'the cluster',
  own: 'its own namespace',
  istiod: "istiod's namespace",
  remote: 'one namespace',
  bundle: "the bundle's namespace",
  certManager: 'that of the requests',
} as const;

const TABLES: Readonly<Record<string, () => string>> = {
  checks: () =>
    table(
      ['Check', 'What it is for: otherwise'],
      CHECKS.map(({ id, consequence }) => [`\`${id}\``, consequence]),
    ),
  rights: () =>
    table(
      ['With', 'May', 'Of', 'Where', 'Because'],
      RIGHTS.map((right) => [
        `\`${right.feature}\``,
        right.verbs.join(', '),
        `\`${formatResource(right)}\`${right.name === undefined ? '' : ` named \`${right.name}\``}`,
        PLACES[right.within ?? 'cluster'],
        right.why,
      ]),
    ),
};

describe('docs/kubernetes.md', () => {
  for (const [name, made] of Object.entries(TABLES)) {
    it(`has the table of ${name} as the code has it`, async () => {
      const page = readFileSync(PAGE, 'utf8');
      const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
      const [from, to] = [page.indexOf(begin), page.indexOf(end)];
      assert.ok(from >= 0 && to > from, `the page has ${begin} and ${end}`);
      const text = `${page.slice(0, from)}${begin}\n\n${made()}\n\n${page.slice(to)}`;
      const whole = await format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' });
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, whole);
      else assert.equal(page, whole, 'run this test with UPDATE_DOCS=1');
    });
  }
});

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
