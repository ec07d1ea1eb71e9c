// People who administer a server over TLS, each with a client certificate, and what they run.
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { createRoot, issueLeaf } from '../../peers/support/pki.ts';
import type { ServerFiles } from './server-files.ts';

const OPS = 'spiffe://corp.example/ops';

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Of the role security, all of them. */
export class SecurityTeam {
  readonly #files: ServerFiles;

  private constructor(files: ServerFiles) {
    this.#files = files;
  }

  /** @param names of its people, whose certificates are put beside the server's files. */
  static async create(files: ServerFiles, names: readonly string[]): Promise<SecurityTeam> {
    const corporate = await createRoot('People of the Corporation');
    files.write('people.pem', corporate.certificatePem);
    files.write('ca.pem', files.pki.root.certificatePem);
    for (const name of names) {
      const { chainPem, keyPem } = await issueLeaf(corporate, { uri: `${OPS}/${name}` });
      files.write(`${name}.pem`, chainPem);
      files.write(`${name}-key.pem`, keyPem);
    }
    return new SecurityTeam(files);
  }

  /** Of a server that hears them. */
  settingsAt(port: number): Readonly<Record<string, unknown>> {
    return {
      'listen.administration.address': `127.0.0.1:${port}`,
      'listen.administration.clientCaFile': this.#files.path('people.pem'),
      'listen.administration.roles.security': [`URI:${OPS}/*`],
    };
  }

  /** Runs a command as one of them. @param port where the server hears operators. */
  async run(name: string, port: number, ...argv: readonly string[]): Promise<Ran> {
    const path = (file: string): string => this.#files.path(file);
    const shown = ['--client-cert', path(`${name}.pem`), '--client-key', path(`${name}-key.pem`)];
    const server = ['--server', `https://localhost:${port}`, '--ca', path('ca.pem')];
    const { terminal, out, error } = recordTerminal();
    const signal = AbortSignal.timeout(60_000);
    const code = await runCli([...argv, ...server, ...shown], { terminal, environment: {}, signal });
    return { code, output: out(), error: error() };
  }
}
