// A port in front of another, whose answers can be held: who is behind it gets its updates late, as over a network that stalls.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class HeldPort implements AsyncDisposable {
  readonly #server: Server;
  readonly #answers = new Set<Socket>();
  readonly #callers = new Set<Socket>();
  #held = false;

  private constructor(target: number) {
    this.#server = createServer((caller) => this.#lead(caller, connect(target, '127.0.0.1')));
  }

  /** @param target a port of this machine. */
  static async before(target: number): Promise<HeldPort> {
    const held = new HeldPort(target);
    held.#server.listen(0, '127.0.0.1');
    await once(held.#server, 'listening');
    return held;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on no answer goes through; questions do. */
  hold(): void {
    this.#held = true;
    for (const answer of this.#answers) answer.pause();
  }

  /** What was held goes through, and all that comes. */
  release(): void {
    this.#held = false;
    for (const answer of this.#answers) answer.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.#answers, ...this.#callers]) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** By hand and not by `pipe`, which would resume what is held. What arrives at a caller is small: secrets. */
  #lead(caller: Socket, target: Socket): void {
    this.#answers.add(target);
    this.#callers.add(caller);
    caller.on('data', (data) => target.write(data));
    target.on('data', (data) => caller.write(data));
    if (this.#held) target.pause();
    for (const socket of [caller, target]) {
      socket.on('error', () => undefined); // told by `close`
      socket.on('close', () => {
        caller.destroy();
        target.destroy();
        this.#answers.delete(target);
        this.#callers.delete(caller);
      });
    }
  }
}
