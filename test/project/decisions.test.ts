import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const HOME = path.join(ROOT, 'docs/decisions');
const records = readdirSync(HOME)
  .sort()
  .map((name) => ({ name, text: readFileSync(path.join(HOME, name), 'utf8') }));

describe('The decision records', () => {
  it('give a reason for every dependency', () => {
    type Dependencies = Readonly<Record<string, string>>;
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
    ) as Readonly<Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Dependencies>>;
    const all = records.map(({ text }) => text).join('\n');
    const missing = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      (name) => !all.includes(`\`${name}\``),
    );
    assert.deepEqual(missing, []);
  });

  it('are numbered without a gap', () => {
    const numbers = records.map(({ name }) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]));
    assert.deepEqual(
      numbers,
      records.map((_, index) => index + 1),
    );
  });

  for (const { name, text } of records) {
    it(`state context, choice and consequence in less than 60 lines: ${name}`, () => {
      assert.match(text, /^# \d+\. .*\*\*Context\.\*\* .*\*\*Choice\.\*\*.*\*\*Consequence\.\*\* /s);
      assert.ok(text.split('\n').length < 60);
    });
  }
});
