import type { Writable } from "node:stream";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { nameOf } from "./critical-path.ts";

/** A terminal, or anything else that lines can be written to. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

interface Row {
  readonly name: string;
  state: "waiting" | "running" | "done" | "failed";
  total: number;
  readonly finished: Set<string>;
  /** Name of the resource that the engine began last. */
  current: string;
  started: number;
  seconds: number;
}

/** Seconds between two looks at a log that is no terminal. */
const logInterval = 5;

/** Live state of several stacks: one line each, redrawn on a terminal, written every 5 s elsewhere. */
export class Board {
  readonly #screen: Screen;
  readonly #rows = new Map<string, Row>();
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;

  constructor(screen: Screen, names: readonly string[]) {
    this.#screen = screen;
    for (const name of names) {
      const idle = { state: "waiting", total: 0, current: "", started: 0, seconds: 0 } as const;
      this.#rows.set(name, { name, finished: new Set(), ...idle });
    }
    this.#timer = setInterval(() => this.#draw(), screen.isTTY ? 200 : logInterval * 1000);
  }

  start(name: string): void {
    this.#update(name, (row) => {
      row.state = "running";
      row.started = performance.now();
    });
  }

  /** One more resource that the program declared. */
  declared(name: string): void {
    this.#update(name, (row) => {
      row.total += 1;
    });
  }

  /** What the engine reports about the stack's resources. */
  observe(name: string, event: EngineEvent): void {
    this.#update(name, (row) => {
      const begun = event.resourcePreEvent?.metadata;
      if (begun !== undefined && begun.op !== "same") row.current = nameOf(begun.urn);
      const ended = begun?.op === "same" ? begun : event.resOutputsEvent?.metadata;
      if (ended !== undefined) row.finished.add(ended.urn);
    });
  }

  finish(name: string, succeeded: boolean): void {
    this.#update(name, (row) => {
      row.state = succeeded ? "done" : "failed";
      row.seconds = (performance.now() - row.started) / 1000;
      if (!this.#screen.isTTY) this.#screen.write(`${this.#line(row)}\n`);
    });
  }

  /** Draws the last state and stops; nothing is drawn after it. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#screen.isTTY) this.#draw();
  }

  #update(name: string, change: (row: Row) => void): void {
    const row = this.#rows.get(name);
    if (row !== undefined) change(row);
  }

  #draw(): void {
    const rows = [...this.#rows.values()];
    if (!this.#screen.isTTY) {
      for (const row of rows.filter(({ state }) => state === "running")) this.#screen.write(`${this.#line(row)}\n`);
      return;
    }
    const up = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A`;
    this.#screen.write(up + rows.map((row) => `\x1b[2K${this.#line(row)}\n`).join(""));
    this.#drawn = rows.length;
  }

  #line(row: Row): string {
    const seconds = row.state === "running" ? (performance.now() - row.started) / 1000 : row.seconds;
    const sign = { waiting: ".", running: ">", done: "+", failed: "x" }[row.state];
    const total = Math.max(row.total, row.finished.size);
    const count = row.state === "waiting" ? "" : `${row.state === "done" ? total : row.finished.size}/${total}`;
    const note = row.state === "running" ? row.current : row.state;
    const text = `${sign} ${row.name.padEnd(16)} ${count.padStart(9)} ${seconds.toFixed(0).padStart(4)} s  ${note}`;
    return text.slice(0, Math.min(this.#screen.columns ?? 80, 80) - 1);
  }
}
