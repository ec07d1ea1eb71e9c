// A page of a browser that measures itself: what a visit takes until its first row, what it asks and gets, how long it keeps the page from
// answering, and what the page holds in memory.
import type { CDPSession, Page } from 'playwright-core';

export interface Visit {
  readonly name: string;
  /** Until what somebody looks for stands there. */
  readonly go: (page: Page) => Promise<void>;
}

/** What the scripts of the page hold when it is swept, and the nodes of its document. */
export interface Held {
  readonly heapBytes: number;
  readonly nodes: number;
}

export interface Seen extends Held {
  readonly name: string;
  readonly tookMs: number;
  /** Questions to the server, and how many of them it refused because there were too many. */
  readonly questions: number;
  readonly refused: number;
  /** Of answers, as they came over the wire. */
  readonly bytes: number;
  /** For which the page answered nobody: the longest. Shorter than 50 ms are none (W3C Long Tasks). */
  readonly longestTaskMs: number;
  readonly rows: number;
}

/** Strings: what runs in the page is no code of this process. */
const WATCH_TASKS = `globalThis.longTasks = []; new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: 'longtask', buffered: true });`;
const TAKE_TASKS = 'Math.max(0, ...longTasks.splice(0))';
const TOO_MANY = 429;

export class SeenPage {
  readonly page: Page;
  readonly #session: CDPSession;
  #bytes = 0;
  #questions = 0;
  #refused = 0;

  private constructor(page: Page, session: CDPSession) {
    this.page = page;
    this.#session = session;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (this.#bytes += encodedDataLength));
    page.on('response', (response) => {
      if (!/^\/api\/(?!live$)/.test(new URL(response.url()).pathname)) return;
      this.#questions += 1;
      if (response.status() === TOO_MANY) this.#refused += 1;
    });
  }

  /** @param page that has shown nothing yet. */
  static async of(page: Page): Promise<SeenPage> {
    await page.addInitScript(WATCH_TASKS);
    const session = await page.context().newCDPSession(page);
    for (const domain of ['Network', 'Performance', 'HeapProfiler'] as const) await session.send(`${domain}.enable`);
    return new SeenPage(page, session);
  }

  /** @param forMs how long the page is looked at when it is there. */
  async visit({ name, go }: Visit, forMs: number): Promise<Seen> {
    [this.#bytes, this.#questions, this.#refused] = [0, 0, 0];
    const sinceMs = performance.now();
    await go(this.page);
    const tookMs = performance.now() - sinceMs;
    await this.page.waitForTimeout(forMs);
    const longestTaskMs = await this.page.evaluate<number>(TAKE_TASKS);
    const rows = await this.page.locator('tbody tr').count();
    const counted = { questions: this.#questions, refused: this.#refused, bytes: this.#bytes };
    return { name, tookMs, rows, longestTaskMs, ...counted, ...(await this.held()) };
  }

  async held(): Promise<Held> {
    await this.#session.send('HeapProfiler.collectGarbage');
    const { metrics } = await this.#session.send('Performance.getMetrics');
    const valueOf = (name: string): number => metrics.find((one) => one.name === name)?.value ?? 0;
    return { heapBytes: valueOf('JSHeapUsedSize'), nodes: valueOf('Nodes') };
  }
}
