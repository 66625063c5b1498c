/**
 * What is said outside of rules: while stack files are read, by the steps on machines (`components/nodes/scripts/`), and where policies
 * are asked about.
 */
export interface Code {
  readonly code: string;
  readonly english: string;
  readonly korean: string;
}

const code = (number: `GB-${number}`, english: string, korean: string): Code => ({ code: number, english, korean });

export const reading: readonly Code[] = [
  code(
    "GB-100",
    "The stack file is not readable YAML, or has no `config:`.",
    "스택 파일이 올바른 YAML이 아니거나 `config:`가 없습니다.",
  ),
  code(
    "GB-101",
    "A stack file holds exactly one of site, interconnect, entry.",
    "스택 파일에는 site, interconnect, entry 중 하나만 있어야 합니다.",
  ),
  code(
    "GB-102",
    "A value has the wrong type, range or form, or a key is unknown.",
    "값의 형식·범위가 틀렸거나 알 수 없는 키입니다.",
  ),
  code(
    "GB-103",
    "A stack file that is named does not exist or cannot be read.",
    "이름으로 지정한 스택 파일이 없거나 읽을 수 없습니다.",
  ),
  code("GB-104", "A stack that is named as a site holds something else.", "사이트로 지정한 스택이 사이트가 아닙니다."),
  code(
    "GB-105",
    "The stack has no usable secrets yet: `npm run secrets`.",
    "스택에 비밀 값이 없습니다. `npm run secrets`를 실행하십시오.",
  ),
  code(
    "GB-106",
    "An `existing` site has no kubeconfig among its secrets.",
    "`existing` 사이트에 kubeconfig가 저장되어 있지 않습니다.",
  ),
  code(
    "GB-107",
    "The program of a stack stops before it has registered everything.",
    "스택 프로그램이 리소스를 모두 등록하기 전에 멈췄습니다.",
  ),
];

export const machines: readonly Code[] = [
  code("GB-701", "The machine's operating system is not supported.", "지원하지 않는 운영체제입니다."),
  code("GB-702", "The kernel is too old for Cilium.", "커널이 Cilium에 비해 오래되었습니다."),
  code("GB-703", "The machine does not use cgroup v2.", "cgroup v2를 쓰지 않습니다."),
  code("GB-704", "A kernel module is missing.", "커널 모듈이 없습니다."),
  code("GB-705", "The clock is not synchronized.", "시각이 동기화되어 있지 않습니다."),
  code("GB-706", "Too little free disk space.", "디스크 여유 공간이 부족합니다."),
  code("GB-707", "No interface has the node's planned address.", "계획된 주소를 가진 인터페이스가 없습니다."),
  code("GB-708", "Swap is on.", "스왑이 켜져 있습니다."),
  code("GB-709", "etcd's block device is missing.", "etcd용 블록 장치가 없습니다."),
  code("GB-710", "A port that Kubernetes needs is in use.", "쿠버네티스에 필요한 포트가 사용 중입니다."),
  code("GB-711", "cloud-init failed or did not end.", "cloud-init이 실패했거나 끝나지 않았습니다."),
  code("GB-720", "Another step holds the machine's lock.", "다른 작업이 머신을 점유하고 있습니다."),
  code(
    "GB-721",
    "A command of a step failed; its last lines are shown.",
    "작업 단계의 명령이 실패했습니다. 마지막 출력을 확인하십시오.",
  ),
  code("GB-722", "The host key among the secrets is malformed.", "비밀 값의 호스트 키 형식이 잘못되었습니다."),
  code("GB-730", "etcd's disk holds something else.", "etcd 디스크에 다른 데이터가 있습니다."),
  code("GB-731", "The machine runs another Kubernetes version.", "머신의 쿠버네티스 버전이 다릅니다."),
  code(
    "GB-740",
    "The control plane that should give a ticket has not joined.",
    "티켓을 발급할 컨트롤 플레인이 아직 클러스터에 없습니다.",
  ),
  code(
    "GB-741",
    "The Kubernetes API does not answer on the control plane.",
    "컨트롤 플레인의 쿠버네티스 API가 응답하지 않습니다.",
  ),
  code(
    "GB-742",
    "A removed node stays in the cluster, since the API is gone.",
    "API가 응답하지 않아 제거된 노드가 클러스터에 남습니다.",
  ),
  code("GB-750", "etcd's disk holds a cluster that nobody knows.", "etcd 디스크에 알 수 없는 클러스터가 있습니다."),
  code("GB-760", "The node did not appear in the cluster.", "노드가 클러스터에 나타나지 않았습니다."),
  code("GB-761", "The node has another pod block than its slot.", "노드의 파드 대역이 슬롯과 다릅니다."),
  code("GB-762", "The API server does not reach the node's kubelet.", "API 서버가 노드의 kubelet에 닿지 못합니다."),
  code("GB-763", "Not every pod left a drained node in time.", "제한 시간 안에 모든 파드가 노드를 떠나지 못했습니다."),
];

/** What `npm run reach` says about questions and files. */
export const asking: readonly Code[] = [
  code("GB-2301", "A question to `npm run reach` is no JSON.", "`npm run reach`에 준 질문이 올바른 JSON이 아닙니다."),
  code(
    "GB-2302",
    "A part of the question has the wrong type, range or form, or a key is unknown.",
    "질문의 값이 형식이나 범위에 맞지 않거나 알 수 없는 키입니다.",
  ),
  code(
    "GB-2320",
    "A file that `npm run reach` names does not exist, or cannot be read or written.",
    "`npm run reach`에 지정한 파일이 없거나 읽고 쓸 수 없습니다.",
  ),
  code(
    "GB-2321",
    "No line of a flow file is a flow of Hubble, or a folder holds no flow file.",
    "플로 파일에 Hubble 플로가 한 줄도 없거나, 폴더에 플로 파일이 없습니다.",
  ),
  code(
    "GB-2322",
    "A compressed flow file is damaged or cut off.",
    "압축된 플로 파일이 손상되었거나 중간에 끊겼습니다.",
  ),
  code(
    "GB-2323",
    "A policy file is no YAML, or holds no policy.",
    "정책 파일이 올바른 YAML이 아니거나 정책이 없습니다.",
  ),
  code("GB-2324", "Cilium would refuse a policy that shall be enforced.", "적용하려는 정책을 Cilium이 거부합니다."),
  code(
    "GB-2325",
    "Neither a stack nor a policy file says what shall be enforced.",
    "적용할 정책이 스택으로도 파일로도 지정되지 않았습니다.",
  ),
  code(
    "GB-2326",
    "The stack is no site, has no policies, or runs a Cilium that cannot be judged.",
    "스택이 사이트가 아니거나, 정책이 없거나, 판정할 수 없는 Cilium 버전입니다.",
  ),
  code(
    "GB-2327",
    "The flows come from another cluster than the policies are for, or from several.",
    "플로가 정책의 대상이 아닌 클러스터 또는 여러 클러스터에서 수집되었습니다.",
  ),
  code(
    "GB-2328",
    "No flow can be judged: pods' labels are left out, or only replies were seen.",
    "판정할 수 있는 플로가 없습니다. 파드 레이블이 빠졌거나 응답만 수집되었습니다.",
  ),
  code("GB-2329", "Arguments of `npm run reach` do not go together.", "`npm run reach`의 인자가 서로 맞지 않습니다."),
  code("GB-2330", "Some lines of a flow file cannot be read.", "플로 파일의 일부 줄을 읽을 수 없습니다."),
  code(
    "GB-2331",
    "Hubble lost events, so that rules may be missing which are not listed.",
    "Hubble이 이벤트를 놓쳐, 목록에 없는 규칙이 더 필요할 수 있습니다.",
  ),
  code(
    "GB-2332",
    "No pod of a namespace that `--namespace` names was seen.",
    "`--namespace`로 지정한 네임스페이스의 파드가 관측되지 않았습니다.",
  ),
  code(
    "GB-2333",
    "A policy names a port by name, and flows of Cilium before 1.20 do not tell which that is.",
    "정책이 포트를 이름으로 지정했으나, 1.20 이전 Cilium의 플로로는 그 번호를 알 수 없습니다.",
  ),
  code("GB-2349", "`npm run reach` stopped for a reason of its own.", "`npm run reach`가 내부 오류로 중단되었습니다."),
];
