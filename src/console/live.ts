// When pages look again: at what the server sends, while the page is seen; without that, at intervals.

type Look = () => void;

const WITHOUT_EVENTS_MS = 30_000;

const lookers = new Set<Look>();
let events: EventSource | undefined;
let interval: ReturnType<typeof setInterval> | undefined;

/** @returns how to end it. */
export function onLook(look: Look): () => void {
  lookers.add(look);
  if (lookers.size === 1) follow();
  return () => {
    lookers.delete(look);
    if (lookers.size === 0) stop();
  };
}

function lookAll(): void {
  for (const look of lookers) look();
}

function follow(): void {
  stop();
  if (document.hidden || lookers.size === 0) return;
  events = new EventSource('/api/live');
  events.addEventListener('look', lookAll);
  // The browser comes again by itself after a lost connection, and not after a refusal.
  events.addEventListener('error', () => {
    if (events?.readyState === EventSource.CLOSED) interval ??= setInterval(lookAll, WITHOUT_EVENTS_MS);
  });
}

function stop(): void {
  events?.close();
  events = undefined;
  clearInterval(interval);
  interval = undefined;
}

// A tab that nobody sees holds no connection; one that is seen again looks at once.
document.addEventListener('visibilitychange', () => {
  follow();
  if (!document.hidden) lookAll();
});
