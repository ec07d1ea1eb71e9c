// A real Prometheus with the alerts that Capstan ships, at a speed at which a test can watch them.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, freePort } from '../../../support/eventually.ts';
import { endProcess, startProcess } from '../../support/owned-process.ts';
import { PEERS_HOME } from '../../support/presence.ts';

/** In the package that promtool comes from. */
const BINARY = path.join(PEERS_HOME, 'promtool/usr/bin/prometheus');
const RULES = path.resolve(import.meta.dirname, '../../../../istio-config/alerts/capstan.yaml');
const STARTED_WITHIN_MS = 30_000;
const ENDS_WITHIN_MS = 10_000;

export interface FiringAlert {
  readonly name: string;
  readonly summary: string;
}

/** @returns the command to run, or `undefined` when this machine has none. */
export function findPrometheus(): string | undefined {
  return existsSync(BINARY) ? BINARY : undefined;
}

/** How long a minute of the rules takes here. */
const MINUTE_MS = 400;
/** Two looks within the shortest window of a rule, which is five minutes. */
const EVERY = '500ms';

/** The rules as they are shipped, with every span of minutes or hours shortened. */
function hurried(rules: string): string {
  return rules.replace(/\b(\d+)(m|h)\b/g, (_, count: string, unit: string) => {
    return `${Number(count) * (unit === 'm' ? 1 : 60) * MINUTE_MS}ms`;
  });
}

export class Prometheus implements AsyncDisposable {
  readonly #address: string;
  readonly #end: () => Promise<void>;

  private constructor(address: string, end: () => Promise<void>) {
    this.#address = address;
    this.#end = end;
  }

  /**
   * Resolves when it answers.
   * @param target host and port of a page of metrics.
   * @param scrape further keys of the scrape job, as Prometheus spells them: how it asks there.
   */
  static async start(binary: string, target: string, scrape: object = {}): Promise<Prometheus> {
    const home = mkdtempSync(path.join(tmpdir(), 'capstan-prometheus-'));
    writeFileSync(path.join(home, 'rules.yaml'), hurried(readFileSync(RULES, 'utf8')));
    writeFileSync(
      path.join(home, 'prometheus.yml'),
      JSON.stringify({
        global: { scrape_interval: EVERY, scrape_timeout: EVERY, evaluation_interval: EVERY },
        rule_files: ['rules.yaml'],
        scrape_configs: [{ job_name: 'capstan', static_configs: [{ targets: [target] }], ...scrape }],
      }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    const child = startProcess(binary, [
      `--config.file=${path.join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(home, 'data')}`,
      `--web.listen-address=${address}`,
    ]);
    child.stdout?.resume();
    child.stderr?.resume();
    const prometheus = new Prometheus(address, async () => {
      await endProcess(child, ENDS_WITHIN_MS);
      rmSync(home, { recursive: true, force: true });
    });
    await eventually('Prometheus answers', async () => (await prometheus.#isReady()) || undefined, {
      withinMs: STARTED_WITHIN_MS,
    });
    return prometheus;
  }

  /** @returns what fires now. */
  async firing(): Promise<readonly FiringAlert[]> {
    const response = await fetch(`http://${this.#address}/api/v1/alerts`);
    const { data } = (await response.json()) as { data: { alerts: readonly StoredAlert[] } };
    return data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels, annotations }) => ({ name: labels.alertname, summary: annotations.summary }));
  }

  /** @returns how the last scrape went, once there was one: an empty text, or what was wrong in Prometheus' own words. */
  async scraped(): Promise<string | undefined> {
    const response = await fetch(`http://${this.#address}/api/v1/targets`);
    const { data } = (await response.json()) as { readonly data: { readonly activeTargets: readonly ScrapedTarget[] } };
    const [target] = data.activeTargets;
    return target === undefined || target.health === 'unknown' ? undefined : target.lastError;
  }

  /** @returns why the query could not be answered, in Prometheus' own words; nothing where it was. */
  async problemOf(query: string): Promise<string | undefined> {
    const response = await fetch(`http://${this.#address}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    return ((await response.json()) as { readonly error?: string }).error;
  }

  async #isReady(): Promise<boolean> {
    return fetch(`http://${this.#address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

interface ScrapedTarget {
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastError: string;
}

interface StoredAlert {
  readonly state: string;
  readonly labels: { readonly alertname: string };
  readonly annotations: { readonly summary: string };
}
