// Too many at the console: whoever asks in a loop is told to wait, ten thousand that follow get no more than there is room for, and
// certificates are issued all the while.
import assert from 'node:assert/strict';
import { Agent, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { status } from '@grpc/grpc-js';
import { RunningServer } from '../../support/running-server.ts';
import { Visitor } from './support/visitor.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const AT_ONCE = 100;

describe('A crowd at the console', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let agent: Agent;
  let visitor: Visitor;
  beforeEach(async () => {
    server = await RunningServer.start({ settings: SETTINGS });
    const [base = '', secret = ''] = server.report.consoleUrl!.split('/#');
    agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    visitor = new Visitor(base, { agent });
    assert.equal((await visitor.post('/login/link', { secret })).status, 200);
  });
  afterEach(async () => {
    agent.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('of ten thousand that follow is as large as its bound, and takes nothing from workloads', async () => {
    const following: IncomingMessage[] = [];
    let refused = 0;
    const follow = async (): Promise<void> => {
      const answer = await visitor.ask('GET', '/api/live');
      if (answer.statusCode === 200) following.push(answer);
      else {
        assert.match(await text(answer), /too many pages follow already/);
        refused += 1;
      }
    };
    const issuing = Promise.all(Array.from({ length: 20 }, async () => server.ask('default', 'demo')));
    for (let asked = 0; asked < 10_000; asked += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, follow));
    assert.deepEqual([following.length, refused], [8, 9_992]);
    for (const outcome of await issuing) assert.equal(outcome.code, status.OK);
    for (const answer of following) answer.destroy();
  });

  it('of one that asks for everything in a loop is told to wait', async () => {
    const asked = await Promise.all(Array.from({ length: 90 }, async () => visitor.get('/api/refusals?since=30d')));
    const statuses = Object.groupBy(asked, ({ status: answered }) => answered);
    assert.ok((statuses[200] ?? []).length >= 60);
    assert.ok((statuses[429] ?? []).length >= 20);
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
  });
});
