import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const instructions = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const of = (word: string): string[] => instructions.filter((line) => line.startsWith(`${word} `));

describe('The image', () => {
  it('copies only what the repository has', () => {
    const sources = of('COPY')
      .filter((line) => !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    assert.ok(sources.length > 0);
    for (const source of sources) assert.ok(existsSync(path.join(ROOT, source)), `${source} does not exist`);
  });

  it('does not run as root', () => {
    const user = of('USER').at(-1)?.split(' ')[1];
    assert.match(user ?? 'root', /^[1-9]\d*:[1-9]\d*$/, 'a number, so that runAsNonRoot can be checked');
    assert.ok(instructions.findLastIndex((line) => line.startsWith('RUN ')) < instructions.indexOf(`USER ${user}`));
  });

  it('starts what the package calls its program, with no debugger that a signal opens', () => {
    const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { bin: { capstan: string } };
    assert.deepEqual(of('ENTRYPOINT'), [`ENTRYPOINT ["node", "--disable-sigusr1", "/opt/capstan/${bin.capstan}"]`]);
  });

  it('says which ports it listens on', () => {
    assert.deepEqual(of('EXPOSE'), ['EXPOSE 15012 15014']);
  });

  it('runs on the Node line that development runs on', () => {
    const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    assert.match(of('ARG')[0] ?? '', new RegExp(`node:${devDependencies.node.split('.')[0]}-`));
  });
});
