import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const SOON = { withinMs: 30_000 };

describe('The administration socket of a running server', () => {
  let files: ServerFiles;
  beforeEach(async () => void (files = await ServerFiles.create()));
  afterEach(() => files[Symbol.dispose]());

  it('is beside the journal, for its own user alone, and what it serves is not on the HTTP port', async () => {
    await using server = await RunningServer.start({ files });
    const { mode } = statSync(files.path('admin.sock'));
    assert.equal(mode & 0o777, 0o600);
    assert.equal((await server.get('/sds/rejections')).status, 404);
  });

  it('is where the configuration says', async () => {
    const settings = { 'listen.administration.socket': files.path('other.sock') };
    await using server = await RunningServer.start({ files, settings });
    assert.ok(lstatSync(files.path('other.sock')).isSocket());
    await server.stop();
    assert.equal(existsSync(files.path('other.sock')), false);
  });

  it('that cannot be opened leaves the server degraded, not without service, and is mended', async () => {
    mkdirSync(files.path('admin.sock'));
    await using server = await RunningServer.start({ files });
    const report = async () => (await (await server.get('/readyz')).json()) as { ready: boolean; degraded?: unknown };
    const why = `${files.path('admin.sock')} cannot be opened: another file is in its place`;
    assert.deepEqual(await report(), { ready: true, degraded: [{ part: 'administration', why }] });
    rmdirSync(files.path('admin.sock'));
    await eventually('it is mended', async () => (await report()).degraded === undefined, SOON);
    assert.ok(lstatSync(files.path('admin.sock')).isSocket());
  });
});
