import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { quote } from "./cloud-config.ts";
import { HostFiles } from "./host-files.ts";
import { type Machine, machineDirectory } from "./machine.ts";

export interface Unit {
  enabled: boolean;
  active: boolean;
  masked: boolean;
}

export interface Mount {
  source: string;
  target: string;
  type: string;
  options: string;
}

export interface FileSystem {
  type: string;
  uuid: string;
  label: string;
}

/** What a running Ubuntu knows besides its files. Holds no secret. */
export interface HostState {
  /** The machine this state belongs to; another identity at the address means a new, empty machine. */
  identity: string;
  /** `early`: sshd answers. `done`: cloud-init has ended. */
  boot: "new" | "early" | "done";
  /** What cloud-init's status would list as errors; recoverable ones do not stop it. */
  bootErrors: { text: string; recoverable: boolean }[];
  hostname: string;
  /** Installed packages and their versions. */
  packages: Record<string, string>;
  held: string[];
  /** URIs whose package lists the last `apt-get update` read. */
  packageLists: string[];
  units: Record<string, Unit>;
  modules: string[];
  swap: boolean;
  mounts: Mount[];
  /** The public key that sshd loaded when it last started; empty when it has none. */
  sshHostKey: string;
}

const empty: HostState = {
  identity: "",
  boot: "new",
  bootErrors: [],
  hostname: "ubuntu",
  packages: {},
  held: [],
  packageLists: [],
  units: {},
  modules: [],
  swap: false,
  mounts: [],
  sshHostKey: "",
};

/** One machine's directory: `root` (its file system), `disks`, `local` (/usr/local), `proc` and `state.json`. */
export class Host {
  readonly machine: Machine;
  readonly directory: string;
  readonly files: HostFiles;
  state: HostState;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.directory = machineDirectory(machine.address);
    const file = join(this.directory, "state.json");
    const known: HostState = existsSync(file)
      ? { ...structuredClone(empty), ...JSON.parse(readFileSync(file, "utf8")) }
      : structuredClone(empty);
    this.state = known;
    if (known.boot !== "new" && known.identity !== machine.identity) this.#becomeAnother();
    this.files = new HostFiles(join(this.directory, "root"), () => [
      { target: "/usr/local", directory: join(this.directory, "local") },
      { target: "/proc/sys", directory: join(this.directory, "proc", "sys") },
      ...this.state.mounts.map(({ source, target }) => ({ target, directory: this.diskDirectory(source) })),
    ]);
  }

  /** The host as the last script left it. */
  static open(machine: Machine): Host {
    return new Host(machine);
  }

  save(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const file = join(this.directory, "state.json");
    writeFileSync(`${file}.new`, JSON.stringify({ ...this.state, identity: this.machine.identity }));
    renameSync(`${file}.new`, file);
  }

  /**
   * The contents of a disk. A volume that a cloud names by its own id keeps them when the machine around it is replaced;
   * under a name such as `lun0` the next machine may have another disk.
   */
  diskDirectory(path: string): string {
    const hosts = dirname(this.directory);
    const parent =
      path.includes("/by-id/") && this.machine.cloud ? join(dirname(hosts), "volumes") : join(this.directory, "disks");
    return join(parent, path.replaceAll("/", "_"), "data");
  }

  /** What mkfs put on a disk; `undefined` for a blank one. */
  fileSystem(path: string): FileSystem | undefined {
    const file = join(dirname(this.diskDirectory(path)), "format.json");
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  }

  /** Puts an empty file system on a disk, or wipes it. */
  format(path: string, fileSystem: FileSystem | undefined): void {
    const directory = this.diskDirectory(path);
    rmSync(directory, { recursive: true, force: true });
    const file = join(dirname(directory), "format.json");
    rmSync(file, { force: true });
    if (fileSystem === undefined) return;
    mkdirSync(directory, { recursive: true });
    if (fileSystem.type === "ext4") mkdirSync(join(directory, "lost+found"), { mode: 0o700 });
    writeFileSync(file, JSON.stringify(fileSystem));
  }

  /** A new machine has an empty root disk; the data disks stay what they were. */
  #becomeAnother(): void {
    for (const part of ["root", "local", "proc", "runs"]) {
      rmSync(join(this.directory, part), { recursive: true, force: true });
    }
    this.state = structuredClone(empty);
  }
}

/** Shell words that put a disk's contents at a path inside the host's namespaces. */
export function bindDisk({ source, target }: Mount): string {
  return `/usr/bin/mount --bind ${quote(`/.rehearsal/disks/${source.replaceAll("/", "_")}/data`)} ${quote(target)}`;
}
