import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** Plain data as the world keeps it. Secrets are never stored in clear: `serve.ts` hands kinds `Secret` values, `fingerprint` turns them into a tag. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** One object of a stand-in cloud: a subnet, a machine, a Helm release. */
export interface WorldObject {
  /** `aws`, `azure-native`, `command`, `kubernetes`, or `host` for machines that scripts run on. */
  readonly provider: string;
  /** Pulumi type token, e.g. `aws:ec2/subnet:Subnet`; `machine` for provider `host`. */
  readonly type: string;
  /** The cloud's id; unique within the provider. A machine's id is its private address. */
  readonly id: string;
  /** URN of the resource it was made for; empty for what was there before (on-prem machines). */
  readonly urn: string;
  /** What an outage is named by: an AWS or Azure region, a site's name for hosts and clusters. */
  readonly place: string;
  readonly properties: JsonObject;
}

/** How a place fails: `refuse` answers at once with an error, `hang` never answers (calls end at the client's own timeout). */
export type OutageMode = "refuse" | "hang";

/** When a resource operation ran, for the table and the critical path. */
export interface Timing {
  readonly urn: string;
  readonly operation: "create" | "update" | "delete" | "read";
  /** Modelled seconds, unscaled. */
  readonly seconds: number;
}

/** The one world that all stand-in processes of a rehearsal share: an SQLite file with a row per object. */
export class World {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Opens or creates the world; several processes may hold it open. */
  static open(file: string): World {
    const database = new DatabaseSync(file, { timeout: 20_000 });
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS object (
        provider TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, urn TEXT NOT NULL, place TEXT NOT NULL,
        properties TEXT NOT NULL, PRIMARY KEY (provider, id)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS object_type ON object (provider, type);
      CREATE INDEX IF NOT EXISTS object_urn ON object (urn);
      CREATE TABLE IF NOT EXISTS outage (place TEXT PRIMARY KEY, mode TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS timing (urn TEXT NOT NULL, operation TEXT NOT NULL, seconds REAL NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    `);
    return new World(database);
  }

  close(): void {
    this.#database.close();
  }

  /** All or nothing, and alone: no other process reads a half-made change or takes the same address meanwhile. Not re-entrant. */
  transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  get(provider: string, id: string): WorldObject | undefined {
    return this.#select("provider = ? AND id = ?", [provider, id])[0];
  }

  /** All objects of one type, in order of creation. */
  find(provider: string, type: string): WorldObject[] {
    return this.#select("provider = ? AND type = ?", [provider, type]);
  }

  byUrn(urn: string): WorldObject | undefined {
    return this.#select("urn = ?", [urn])[0];
  }

  all(): WorldObject[] {
    return this.#select("1 = 1", []);
  }

  put({ provider, type, id, urn, place, properties }: WorldObject): void {
    this.#database
      .prepare(
        `INSERT INTO object (provider, type, id, urn, place, properties) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (provider, id) DO UPDATE SET type = excluded.type, urn = excluded.urn, place = excluded.place, properties = excluded.properties`,
      )
      .run(provider, type, id, urn, place, JSON.stringify(properties));
  }

  remove(provider: string, id: string): void {
    this.#database.prepare("DELETE FROM object WHERE provider = ? AND id = ?").run(provider, id);
  }

  /** The next number of a named counter, from 1; ids made from it never repeat in one world. */
  next(name: string): number {
    const row = this.#database
      .prepare(
        "INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
      )
      .get(name);
    return Number(row?.value);
  }

  outage(place: string): OutageMode | undefined {
    const mode = this.#database.prepare("SELECT mode FROM outage WHERE place = ?").get(place)?.mode;
    return mode === "refuse" || mode === "hang" ? mode : undefined;
  }

  breakPlace(place: string, mode: OutageMode): void {
    this.#database
      .prepare("INSERT INTO outage (place, mode) VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET mode = excluded.mode")
      .run(place, mode);
  }

  heal(place: string): void {
    this.#database.prepare("DELETE FROM outage WHERE place = ?").run(place);
  }

  recordTiming({ urn, operation, seconds }: Timing): void {
    this.#database
      .prepare("INSERT INTO timing (urn, operation, seconds) VALUES (?, ?, ?)")
      .run(urn, operation, seconds);
  }

  timings(): Timing[] {
    return this.#database
      .prepare("SELECT urn, operation, seconds FROM timing ORDER BY rowid")
      .all()
      .map((row) => ({
        urn: String(row.urn),
        operation: row.operation as Timing["operation"],
        seconds: Number(row.seconds),
      }));
  }

  #select(where: string, values: SQLInputValue[]): WorldObject[] {
    return this.#database
      .prepare(`SELECT provider, type, id, urn, place, properties FROM object WHERE ${where} ORDER BY rowid`)
      .all(...values)
      .map((row) => ({
        provider: String(row.provider),
        type: String(row.type),
        id: String(row.id),
        urn: String(row.urn),
        place: String(row.place),
        properties: JSON.parse(String(row.properties)) as JsonObject,
      }));
  }
}
