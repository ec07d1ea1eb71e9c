import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { askServer } from '../../src/cli/administration.ts';
import { runCli } from '../../src/cli/program.ts';
import { recordTerminal } from './support/recorded-terminal.ts';

const NEVER = new AbortController().signal;

describe('What a command says of a server that ends a connection without an answer', () => {
  let folder: string;
  let server: Server;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-'));
    server = createServer((request) => void request.on('end', () => request.socket.destroy()).resume());
    server.listen({ path: path.join(folder, 's') });
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  const asked = async (method: 'GET' | 'POST') =>
    askServer(
      { socketPath: path.join(folder, 's') },
      { method, path: '/bans', ...(method === 'POST' && { body: {} }) },
      NEVER,
    );

  it('is that an act may be done', async () => {
    const message =
      /the server does not answer \(ECONNRESET\); what was asked for may be done: look before you ask again$/;
    await assert.rejects(asked('POST'), { exitCode: 69, message });
  });

  it('is nothing more of a question', async () => {
    await assert.rejects(asked('GET'), { exitCode: 69, message: /the server does not answer \(ECONNRESET\)$/ });
  });
});

describe('How a command ends that a server refuses without a reason of ours', () => {
  const ENDS = [
    [400, 65],
    [401, 77],
    [403, 77],
    [404, 65],
    [409, 77],
    [413, 65],
    [422, 65],
    [429, 75],
    [500, 70],
    [503, 69],
    [504, 75],
  ] as const;
  for (const [status, exitCode] of ENDS) {
    it(`is ${exitCode} for an answer of ${status}`, async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'capstan-'));
      const server = createServer((request, response) => {
        request.on('end', () => response.writeHead(status).end('{"error":"the export is not signed"}')).resume();
      });
      const socketPath = path.join(folder, 's');
      server.listen({ path: socketPath });
      await once(server, 'listening');
      try {
        const asked = askServer({ socketPath }, { method: 'POST', path: '/audit/ends', body: {} }, NEVER);
        await assert.rejects(asked, { exitCode, message: 'the export is not signed' });
      } finally {
        server.close();
        await once(server, 'close');
        rmSync(folder, { recursive: true });
      }
    });
  }
});

describe('What a command says where there is no server', () => {
  async function said(...options: readonly string[]): Promise<string> {
    const { terminal, error } = recordTerminal();
    await runCli(['issuer', 'list', ...options], { terminal, environment: {}, signal: NEVER });
    return error();
  }

  it('is how to name one, to whoever named none', async () => {
    assert.match(
      await said(),
      /^capstan: \.capstan\/admin\.sock: there is no such socket; is the server running\? \(name another server by its configuration, --config FILE, /,
    );
  });

  it('is nothing of that to whoever named one', async () => {
    assert.match(
      await said('--data-dir', '/nowhere'),
      /admin\.sock: there is no such socket; is the server running\?\n$/,
    );
  });
});
