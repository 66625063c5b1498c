/** Exists once the machine is a node; written by the join step, removed by the reset step, gone with the root disk of a replaced machine. */
export const joinedMarker = "/var/lib/gyeongbu/joined";

/** Approves serving certificates of kubelets; on every control plane. */
export const approveCommand = "/usr/local/sbin/gyeongbu-approve-serving";

/** File system label of etcd's disk; ext4 takes 16 characters. */
export const etcdLabel = "gyeongbu-etcd";
export const etcdMount = "/var/lib/etcd";
