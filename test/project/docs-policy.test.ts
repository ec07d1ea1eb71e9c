// docs/policy.md is followed to the letter: each YAML block is written to the file that it names, each
// command is run in order, and prints what the page shows. With UPDATE_DOCS=1 the page is rewritten with
// what the commands print now; read the difference before you keep it.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { loadConfig } from '../../src/config/load.ts';
import { fits, run } from '../cli/support/transcript.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/policy.md');
const UPDATE = process.env['UPDATE_DOCS'] === '1';
const BLOCK = /^(?:<!-- (file|config): (\S+) -->\n\n)?```(yaml|console)\n([\s\S]*?)^```$/gm;

interface Block {
  readonly whole: string;
  readonly as: string | undefined;
  readonly name: string | undefined;
  readonly language: string;
  readonly text: string;
}

const page = readFileSync(PAGE, 'utf8');
const blocks: readonly Block[] = [...page.matchAll(BLOCK)].map(([whole, as, name, language = '', text = '']) => ({
  whole,
  as,
  name,
  language,
  text,
}));

/** A command and the lines that the page shows below it. */
function scenesOf(text: string): readonly { command: string; shown: readonly string[] }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((scene) => scene.trimEnd().split('\n'))
    .map(([command = '', ...shown]) => ({ command, shown }));
}

describe('docs/policy.md', () => {
  const home = process.cwd();
  const folder = mkdtempSync(path.join(tmpdir(), 'docs-policy-'));
  let rewritten = page;
  before(() => process.chdir(folder));
  after(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
    if (UPDATE) writeFileSync(PAGE, rewritten);
  });

  it('says of every YAML block what it is', () => {
    assert.deepEqual(
      blocks.filter(({ language, as }) => (language === 'yaml') !== (as !== undefined)).map(({ text }) => text),
      [],
    );
    assert.equal(page.match(/^```yaml$/gm)?.length, blocks.filter(({ language }) => language === 'yaml').length);
  });

  for (const block of blocks) {
    if (block.as === 'file') {
      it(`has ${block.name ?? ''}`, () => {
        const file = path.join(folder, block.name ?? '');
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, block.text);
      });
    } else if (block.as === 'config') {
      it(`configures a server with ${block.name ?? ''}`, () => {
        const file = path.join(folder, block.name ?? '');
        writeFileSync(file, block.text);
        const given = {
          'issuer.chainFile': 'issuer.pem',
          'issuer.keyFile': 'issuer-key.pem',
          'trustAnchors.file': 'root-cert.pem',
          'journal.store': 'journal.db',
        };
        assert.ok('config' in loadConfig({ given, file }));
      });
    } else {
      it(`shows what happens: ${scenesOf(block.text)[0]?.command ?? ''}`, async () => {
        let text = '';
        for (const { command, shown } of scenesOf(block.text)) {
          const printed = (await run(command)).map((line) =>
            line.replace(/^[|!] ?/, '').replace(/^= (\d+)$/, '(exit code $1)'),
          );
          const same =
            printed.length === shown.length && shown.every((line, index) => fits(line, printed[index] ?? ''));
          if (!UPDATE && !same) assert.deepEqual(printed, shown, `$ ${command}`);
          text += [`$ ${command}`, ...(same ? shown : printed), ''].join('\n');
        }
        rewritten = rewritten.replace(block.whole, () => block.whole.replace(block.text, () => text));
      });
    }
  }
});
