import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { eventually } from '../peers/eventually.ts';
import { pemOf, SdsClient, secretsOf } from '../support/sds-client.ts';
import { RunningServer } from './running-server.ts';
import { ServerFiles } from './server-files.ts';

/** Less than the time after which the folder is looked through in any case. */
const SOON = { withinMs: 8_000 };

describe('In the folder of workloads, a folder', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['default', 'team-a'] }]);
    makeFolder('default/early');
    // As an operator may well write it, with a slash at its end.
    const settings = { 'sds.sockets': [], 'sds.socketDirectory': `${files.path('sds')}/`, 'sds.socketMode': '0660' };
    server = await RunningServer.start({ files, settings });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  function folder(name: string): string {
    return path.join(files.path('sds'), name);
  }

  function socketIn(name: string): string {
    return path.join(folder(name), 'sds.sock');
  }

  function makeFolder(name: string): void {
    mkdirSync(folder(name), { recursive: true });
  }

  function logged(name: string): boolean {
    return files.logged('reloaded').some(({ revision }) => revision === socketIn(name));
  }

  async function socketAppears(name: string): Promise<void> {
    await eventually(`a socket in ${name}`, () => existsSync(socketIn(name)), SOON);
  }

  it('has a socket from the start, for the workload that its place names', async () => {
    assert.deepEqual(server.report.sockets, [socketIn('default/early')]);
    assert.equal(await identityOver('default/early'), 'URI:spiffe://cluster.local/ns/default/sa/early');
    assert.equal(statSync(socketIn('default/early')).mode & 0o777, 0o660);
  });

  it('that is made later gets one soon, and makes another workload of whoever uses it', async () => {
    makeFolder('team-a/late');
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  it('that names no workload gets none, and the log says so once', async () => {
    makeFolder('default/Not_A_Name');
    makeFolder('default/beside');
    await socketAppears('default/beside');
    makeFolder('default/beside-too');
    await socketAppears('default/beside-too');
    assert.equal(existsSync(socketIn('default/Not_A_Name')), false);
    const told = await eventually(
      'the log is written',
      () => logged('default/beside-too') && files.logged('reloadFailed'),
      SOON,
    );
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.['problem']), /Not_A_Name.*service account that is not an RFC 1123 subdomain/);
  });

  it('that is gone takes its socket and its streams with it', async () => {
    using envoy = new SdsClient(`unix:${socketIn('team-a/late')}`);
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    rmSync(folder('team-a'), { recursive: true });
    const { code, details } = await stream.ended;
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S03 /);
    makeFolder('team-a/late');
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  it('that is replaced in one moment gets its socket again', async () => {
    const beside = files.path('beside');
    mkdirSync(beside);
    rmSync(folder('team-a/late'), { recursive: true });
    renameSync(beside, folder('team-a/late'));
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  /** Whose certificate comes over the socket of a folder. */
  async function identityOver(name: string): Promise<string | undefined> {
    using envoy = new SdsClient(`unix:${socketIn(name)}`);
    const stream = envoy.sotw();
    stream.subscribe('default');
    const [secret] = secretsOf(await stream.accept());
    stream.cancel();
    return new X509Certificate(pemOf(secret!)).subjectAltName;
  }
});
