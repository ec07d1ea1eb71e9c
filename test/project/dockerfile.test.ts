import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const instructions = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const of = (word: string, within = instructions): string[] => within.filter((line) => line.startsWith(`${word} `));
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

const DIGEST = `sha256:${'a'.repeat(64)}`;

function release(...options: readonly string[]): { readonly status: number | null; readonly says: string } {
  const { status, stderr, stdout } = spawnSync('.ci/release', options, { cwd: ROOT, encoding: 'utf8' });
  return { status, says: stderr + stdout };
}

describe('The image', () => {
  it('copies only what the repository has', () => {
    const sources = of('COPY')
      .filter((line) => !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    assert.ok(sources.length > 0);
    for (const source of sources) assert.ok(existsSync(path.join(ROOT, source)), `${source} does not exist`);
  });

  it('has no base by default, so that whoever builds says which bytes it starts from', () => {
    assert.deepEqual(of('ARG'), ['ARG NODE_IMAGE']);
    assert.deepEqual(of('FROM'), ['FROM ${NODE_IMAGE} AS build', 'FROM scratch']);
  });

  it('ends with a stage that has no shell to run anything in', () => {
    assert.deepEqual(of('RUN', lastStage), []);
    assert.deepEqual(of('COPY', lastStage), ['COPY --from=build /image /']);
  });

  it('does not run as root', () => {
    const user = of('USER', lastStage).at(-1)?.split(' ')[1];
    assert.match(user ?? 'root', /^[1-9]\d*:[1-9]\d*$/, 'a number, so that runAsNonRoot can be checked');
  });

  it('starts what the package calls its program, with no debugger that a signal opens', () => {
    const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { bin: { capstan: string } };
    const entry = `ENTRYPOINT ["/opt/capstan/node", "--disable-sigusr1", "/opt/capstan/${bin.capstan}"]`;
    assert.deepEqual(of('ENTRYPOINT'), [entry]);
  });

  it('says which ports it listens on', () => {
    assert.deepEqual(of('EXPOSE'), ['EXPOSE 15012 15014']);
  });
});

describe('The release script', () => {
  for (const base of ['node:26-bookworm-slim', 'node@sha256:abc', `node@${DIGEST} `, 'node']) {
    it(`refuses the base ${JSON.stringify(base)}, which does not say which bytes`, () => {
      const { status, says } = release('--base', base, '--image', 'registry.example/capstan', '--out', '/nowhere');
      assert.equal(status, 64);
      assert.match(says, /--base must be name@sha256:/);
    });
  }

  it('lists what the image has inside, from the lock file, without what only development needs', function () {
    this.timeout(60_000);
    const out = mkdtempSync(path.join(tmpdir(), 'capstan-release-'));
    try {
      const made = release('--base', `node@${DIGEST}`, '--image', 'registry.example/capstan', '--out', out);
      assert.equal(made.status, 0, made.says);
      const { version, dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
        version: string;
        dependencies: Record<string, string>;
      };
      const parts = JSON.parse(readFileSync(path.join(out, `capstan-${version}.cdx.json`), 'utf8')) as {
        bomFormat: string;
        components: readonly { purl: string }[];
      };
      assert.equal(parts.bomFormat, 'CycloneDX');
      const listed = new Set(parts.components.map(({ purl }) => decodeURIComponent(purl.slice('pkg:npm/'.length))));
      for (const [name, of] of Object.entries(dependencies)) assert.ok(listed.has(`${name}@${of}`), `${name}@${of}`);
      assert.ok(![...listed].some((one) => one.startsWith('mocha@')), 'mocha is no part of the image');
      assert.equal(readFileSync(path.join(out, 'build-arguments'), 'utf8'), `--build-arg NODE_IMAGE=node@${DIGEST}\n`);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
