// The image without a container engine: the package built, laid out by the script that the Dockerfile runs, and started in that root, of
// which there is nothing but what it holds, by a user without rights.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { ServerFiles } from '../app/support/server-files.ts';
import { eventually, freePort } from '../support/eventually.ts';
import { endProcess, startProcess } from './support/owned-process.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const NODE = path.join(CHECKOUT, 'node_modules/node/bin/node');
const USER = 65532;
const CHROOT = '/usr/sbin/chroot';
const PROGRAM = ['/opt/capstan/node', '--disable-sigusr1', '/opt/capstan/dist/main.js'];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: true; readonly devOptional?: true }>>;
}

describe('The image, as a root of nothing else', function () {
  this.timeout(400_000);
  let folder: string | undefined;
  let root: string;

  before(function () {
    if (process.getuid?.() !== 0 || !existsSync(CHROOT)) {
      for (const test of this.test!.parent!.tests)
        test.title += ' (skipped: only root may change the root of a process)';
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-image-'));
    root = path.join(folder, 'root');
    layOut(path.join(folder, 'build'), root);
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const inside = (...args: readonly string[]) => ['--userspec', `${USER}:${USER}`, root, ...args];

  it('has no shell, and no program but Node', () => {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
    const programs = names.filter((name) => /(^|\/)s?bin\//.test(name) && !name.includes('node_modules/'));
    assert.deepEqual(programs, []);
    assert.ok(!existsSync(path.join(root, 'bin/sh')));
    assert.deepEqual(readdirSync(path.join(root, 'opt/capstan')).sort(), [
      'LICENSE',
      'dist',
      'node',
      'node_modules',
      'package.json',
    ]);
  });

  it('answers with its version', () => {
    const { status, stdout, stderr } = spawnSync(CHROOT, inside(...PROGRAM, 'version'), {
      encoding: 'utf8',
      env: {},
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^capstan \d+\.\d+\.\d+ \(node 26\./);
  });

  it('serves, and writes nowhere but where its volumes are', async () => {
    using files = await ServerFiles.create();
    const port = await freePort();
    place(files, root, port);
    const child = startProcess(CHROOT, inside(...PROGRAM, 'serve', '--config', '/etc/capstan/capstan.yaml'), {
      NODE_ENV: 'production',
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => said.push(text.toString()));
    try {
      const ready = async (): Promise<boolean> =>
        child.exitCode !== null || (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
      await eventually('it is ready', ready, { withinMs: 90_000 }).catch((cause: unknown) => {
        throw new Error(said.join(''), { cause });
      });
      assert.equal(child.exitCode, null, said.join(''));
    } finally {
      await endProcess(child, 15_000);
    }
    const written = spawnSync('find', [root, '-user', String(USER), '-type', 'f'], { encoding: 'utf8' }).stdout;
    const outside = written.split('\n').filter((name) => name !== '' && !name.startsWith(`${root}/var/lib/capstan/`));
    assert.deepEqual(outside, []);
  });
});

/** As the stage `build` of the Dockerfile does, with the packages that are here already. */
function layOut(build: string, root: string): void {
  mkdirSync(path.join(build, '.ci'), { recursive: true });
  const compile = ['--project', 'src/tsconfig.build.json', '--outDir', path.join(build, 'dist')];
  const compiled = spawnSync(path.join(CHECKOUT, 'node_modules/.bin/tsc'), compile, {
    cwd: CHECKOUT,
    encoding: 'utf8',
  });
  assert.equal(compiled.status, 0, compiled.stdout);
  cpSync(path.join(CHECKOUT, 'src/gen'), path.join(build, 'dist/gen'), { recursive: true });
  for (const name of ['package.json', 'LICENSE', '.ci/image-root'])
    cpSync(path.join(CHECKOUT, name), path.join(build, name));
  const { packages } = JSON.parse(readFileSync(path.join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock;
  const kept = Object.entries(packages).filter(([name, { dev, devOptional }]) => name !== '' && !dev && !devOptional);
  for (const [name] of kept) {
    const from = path.join(CHECKOUT, name);
    if (existsSync(from)) cpSync(from, path.join(build, name), { recursive: true });
  }
  const laidOut = spawnSync(path.join(build, '.ci/image-root'), [NODE, root], { encoding: 'utf8' });
  assert.equal(laidOut.status, 0, laidOut.stderr);
}

/** What the chart mounts. */
function place(files: ServerFiles, root: string, port: number): void {
  const config = path.join(root, 'etc/capstan');
  cpSync(files.directory, config, { recursive: true });
  const at = (name: string): string => `/etc/capstan/${name}`;
  const settings = {
    listen: { tls: { address: '127.0.0.1:0' }, http: { address: `127.0.0.1:${port}` } },
    issuer: { chainFile: at('issuer-chain.pem'), keyFile: at('issuer-key.pem') },
    trustAnchors: { file: at('anchors.pem') },
    policy: {
      bundle: {
        file: at('bundle.yaml'),
        keys: [at('bundle-key.pem')],
        stateFile: '/var/lib/capstan/bundle-state.json',
      },
    },
    journal: { store: 'sqlite:/var/lib/capstan/journal.db' },
  };
  writeFileSync(path.join(config, 'capstan.yaml'), JSON.stringify(settings));
  spawnSync('chmod', ['-R', 'a+rX', config]);
  // As the chart's volume of the Secret: of the pod's group, 0440.
  const key = path.join(config, 'issuer-key.pem');
  chownSync(key, 0, USER);
  chmodSync(key, 0o440);
  const data = path.join(root, 'var/lib/capstan');
  chownSync(data, USER, USER);
}
