"""The messages of wat.node, as PROTOCOL.md declares them."""

from .frame import ENVELOPE
from .messages import Schema

NODE = Schema(
    """
enum Tier { DEFAULT_TIER = 0; THREAD = 1; PROCESS = 2; }
message NodeStatus {
  string version = 1; uint32 pid = 2; bytes node_id = 3; uint64 started_ms = 4;
  uint32 n_instances = 5; uint32 n_ready = 6;
  uint32 n_failed = 7; uint32 n_connections = 8; string state_dir = 9; string socket = 10;
  string plugin_dir = 11;
  repeated string config_files = 12; repeated string troubles = 13; string admin_socket = 14;
  string gate_socket = 15;
  repeated string addresses = 16; // of TCP
  uint32 n_gated = 17;        // of n_connections
  uint32 n_isolated = 18;     // instances that are kept out of the pool
  uint32 n_stuck = 19;        // that have a handler which does not come back
}
message PluginService { string name = 1; string prefix = 2; }
message PluginFile {
  string file = 1; repeated PluginService services = 2;
  string error = 3;           // why it can't be used; empty if it can
  string warning = 4;         // what its author should look at
}
message PluginList { repeated PluginFile files = 1; }
message DescribeRequest { string service = 1; }
message Description {
  string service = 1; string prefix = 2; string file = 3;
  string state = 4;           // full name of the state's message
  bytes schema = 5;           // FileDescriptorSet
}
message Instance {
  string name = 1; string service = 2; Tier tier = 3; string state = 4; bytes incarnation = 5;
  uint64 generation = 6;
  uint32 pid = 7; string durability = 8; uint32 users = 9; uint32 deaths = 10;
  wat.envelope.Failure failure = 11;
  uint64 committed_ms = 12; string plugin = 13; string note = 14;
  string restart = 15;        // after a death: "never", "on-failure", "always"
  uint32 restart_max = 16; uint64 restart_within_ms = 17;
  repeated wat.envelope.Failure last_deaths = 18;     // oldest first, at most 8; by Show only
  // why one of tier thread runs in a process of its own; empty: it does not
  string isolated = 19;
  string group = 20;          // of the configuration; empty: none
  string group_strategy = 21; // "one_for_one", "one_for_all" or "rest_for_one"
  // "ending", "pausing", "starting", "failing", "failed"; empty: nothing special
  string group_state = 22;
  string stuck = 23;          // the handler that runs for longer than stuck-after; empty: none
  uint64 stuck_ms = 24;       // for how long
  // attached: the process whose connection it ends with; 0: it is not attached
  uint32 owner_pid = 25;
}
message ListRequest {
  uint64 after = 1;           // next, as the page before has it; 0: from the beginning
  // a page of at most so many; 0: all of them in one answer, or RESOURCE_EXHAUSTED
  uint32 limit = 2;
}
  // next 0: there are no more
message InstanceList { repeated Instance instances = 1; uint64 next = 2; }
message NameRequest { string name = 1; }
message User {
  string name = 1; bytes grant_id = 2; fixed64 method_mask = 3; uint64 created = 4;
  uint64 not_after = 5; uint32 channels = 6;
  bool session = 7; uint32 rate = 8; uint32 in_flight = 9; uint64 last_used = 10;
  bool soon = 11;             // it ends within a week, and was made for longer
  uint32 pid = 12;            // of the process that it ends with
}
message UsersRequest {
  string name = 1;            // of the instance
  uint64 after = 2; uint32 limit = 3; // as ListRequest has them
}
message UserList { repeated User users = 1; string service = 2; uint64 next = 3; }
message SpawnRequest {
  bytes request_id = 1; string service = 2; string name = 3; Tier tier = 4; bytes state = 5;
  bytes holder_pk = 6;
  uint32 durability = 7;      // 0: the service's own, 1 none, 2 crash, 3 sync
  uint32 restart = 8;         // after a death: 0 on-failure, 1 never, 2 on-failure, 3 always
  bool attached = 9;          // it is stopped when this connection ends
}
message SpawnReply {
  bytes token = 1; bytes incarnation = 2; uint64 generation = 3; string service = 4;
}
message StartRequest {
  bytes request_id = 1; string name = 2; Tier tier = 3; bytes holder_pk = 4;
  uint32 durability = 5;      // 0: as it was
  // number of a snapshot: a new incarnation from there; 0: the last state
  uint64 from = 6;
  uint32 restart = 7;         // 0: as it was
}
message StartReply {
  bytes token = 1; bytes incarnation = 2; uint64 generation = 3; string service = 4;
}
message RestartRequest { bytes request_id = 1; string name = 2; }
message RestartReply { bytes incarnation = 1; uint64 generation = 2; }
message RevokeAllReply { uint32 users = 1; uint32 admins = 2; uint32 epoch = 3; }
message Key { bytes kid = 1; uint64 until = 2; }
message KeyList { repeated Key keys = 1; }
message RotateKeyRequest { bytes request_id = 1; uint64 grace_s = 2; bool at_once = 3; }
message RotateKeyReply { bytes kid = 1; bytes before = 2; uint64 until = 3; }
message RevokeKeyRequest { bytes request_id = 1; bytes kid = 2; }
message KillReply { uint32 pid = 1; uint32 others = 2; }
message ReloadRequest { bytes request_id = 1; bool dry_run = 2; }
message ReloadReply {
  repeated string changes = 1; repeated string needs_restart = 2; repeated string errors = 3;
  repeated string troubles = 4;
}
message OpenAdminRequest {
  bytes request_id = 1; string name = 2; bytes holder_pk = 3; bool only = 4;
}
message OpenAdminReply {
  bytes token = 1; bytes incarnation = 2; string service = 3; uint32 ended = 4;
}
message RemoveRequest { bytes request_id = 1; string name = 2; bool force = 3; }
message RemoveReply { bytes incarnation = 1; uint64 generation = 2; uint32 users = 3; }
message WaitRequest { string name = 1; string state = 2; }
message ReplayRequest {
  string name = 1;
  uint64 to = 2;              // number of a record of the journal
  bool to_end = 3;            // instead: the last
}
message ReplayReply {
  bytes state = 1; uint64 seq = 2; string service = 3; bytes incarnation = 4;
  uint64 generation = 5;
}
message SetLogLevelRequest { string level = 1; }
message LogLevel {
  string level = 1;
  string previous = 2;        // before SetLogLevel
}
message EventsRequest {
  uint64 after_seq = 1; string instance = 2;
  uint32 limit = 3;           // 0 and more than 1000: 1000
  bool wait = 4; uint64 since_ms = 5; uint32 newest = 6;
}
message LogsRequest {
  uint64 after_seq = 1; string instance = 2;
  uint32 limit = 3;           // 0 and more than 1000: 1000
  bool wait = 4; uint64 since_ms = 5; uint32 newest = 6;
}
message LogLine {
  uint64 seq = 1; uint64 time_ms = 2;
  string instance = 3;        // "": of a host with several instances, or with none yet
  uint64 generation = 4; uint32 pid = 5;
  uint32 level = 6;           // 3 error, 4 warning, 6 info, 7 debug
  uint32 stream = 7;          // 1 standard output, 2 standard error, 3 wat_log
  string text = 8;
}
message LogList { repeated LogLine lines = 1; uint64 next_seq = 2; uint64 dropped_seq = 3; }
message Snapshot {
  uint64 seq = 1; uint64 time_ms = 2; uint64 generation = 3;
  string kind = 4;            // "start", "checkpoint", "suspend", "final", "manual"
  uint64 bytes = 5; string service = 6;
  bool intact = 7;            // its digest is that of its bytes
  bytes incarnation = 8; uint64 lane_bytes = 9; bytes schema = 10; bytes interface = 11;
  bool current = 12;          // what the instance goes on from
}
message SnapshotList { repeated Snapshot snapshots = 1; }
message SnapshotRequest { bytes request_id = 1; string name = 2; }
message SnapshotReply { uint64 seq = 1; uint64 bytes = 2; uint64 generation = 3; }
message BackupRequest { bytes request_id = 1; }
message BackupReply { bytes id = 1; uint64 bytes = 2; repeated string behind = 3; }
message ReadBackupRequest { bytes id = 1; uint64 offset = 2; }
message BackupPart { bytes data = 1; uint64 bytes = 2; }
message ExportRequest { string name = 1; uint64 from = 2; }
message ExportReply {
  bytes file = 1;             // "WATIMG1\n", BLAKE2b-256 of the rest, a packed Image
  uint64 seq = 2;
}
message ImportRequest {
  bytes request_id = 1; bytes file = 2; string name = 3; Tier tier = 4; uint32 durability = 5;
  bytes holder_pk = 6;
}
message ImportReply {
  bytes token = 1; bytes incarnation = 2; uint64 generation = 3; string service = 4;
  string name = 5;
}
message Image {
  string service = 1; bytes interface = 2; bytes schema = 3; bytes state = 4; string name = 5;
  bytes node_id = 6;
  bytes incarnation = 7; uint64 generation = 8; uint64 seq = 9; uint64 time_ms = 10;
  Tier tier = 11; uint32 durability = 12;
}
service Node {
  rpc Status(wat.Empty) returns (NodeStatus) { option (wat.method) = { read_only: true }; }
  rpc Plugins(wat.Empty) returns (PluginList) { option (wat.method) = { read_only: true }; }
  rpc Describe(DescribeRequest) returns (Description) {
    option (wat.method) = { read_only: true };
  }
  rpc List(ListRequest) returns (InstanceList) { option (wat.method) = { read_only: true }; }
  rpc Show(NameRequest) returns (Instance) { option (wat.method) = { read_only: true }; }
  rpc Users(UsersRequest) returns (UserList) { option (wat.method) = { read_only: true }; }
  rpc Spawn(SpawnRequest) returns (SpawnReply) { option (wat.method) = { later: true }; }
  rpc Start(StartRequest) returns (StartReply) { option (wat.method) = { later: true }; }
  rpc Kill(NameRequest) returns (KillReply);
  rpc Reload(ReloadRequest) returns (ReloadReply) { option (wat.method) = { later: true }; }
  rpc OpenAdmin(OpenAdminRequest) returns (OpenAdminReply) {
    option (wat.method) = { later: true };
  }
  rpc Remove(RemoveRequest) returns (RemoveReply) { option (wat.method) = { later: true }; }
  rpc Wait(WaitRequest) returns (Instance) {
    option (wat.method) = { later: true read_only: true };
  }
  rpc SetLogLevel(SetLogLevelRequest) returns (LogLevel);
  rpc GetLogLevel(wat.Empty) returns (LogLevel) { option (wat.method) = { read_only: true }; }
  rpc Events(EventsRequest) returns (wat.envelope.EventList) {
    option (wat.method) = { later: true read_only: true };
  }
  rpc Logs(LogsRequest) returns (LogList) {
    option (wat.method) = { later: true read_only: true };
  }
  rpc Snapshots(NameRequest) returns (SnapshotList) {
    option (wat.method) = { later: true read_only: true };
  }
  rpc Snapshot(SnapshotRequest) returns (SnapshotReply) {
    option (wat.method) = { later: true };
  }
  rpc Backup(BackupRequest) returns (BackupReply) { option (wat.method) = { later: true }; }
  rpc ReadBackup(ReadBackupRequest) returns (BackupPart) {
    option (wat.method) = { read_only: true };
  }
  rpc Export(ExportRequest) returns (ExportReply) { option (wat.method) = { later: true }; }
  rpc Import(ImportRequest) returns (ImportReply) { option (wat.method) = { later: true }; }
  rpc Replay(ReplayRequest) returns (ReplayReply) {
    option (wat.method) = { later: true read_only: true };
  }
  rpc Restart(RestartRequest) returns (RestartReply) { option (wat.method) = { later: true }; }
  rpc ResetFailed(RestartRequest) returns (RestartReply) {
    option (wat.method) = { later: true };
  }
  rpc Release(RestartRequest) returns (RestartReply) { option (wat.method) = { later: true }; }
  rpc RevokeAll(RestartRequest) returns (RevokeAllReply) {
    option (wat.method) = { later: true };
  }
  rpc Keys(wat.Empty) returns (KeyList) { option (wat.method) = { read_only: true }; }
  rpc RotateKey(RotateKeyRequest) returns (RotateKeyReply) {
    option (wat.method) = { later: true };
  }
  rpc RevokeKey(RevokeKeyRequest) returns (wat.Empty) { option (wat.method) = { later: true }; }
}
message Empty { }
""",
    ENVELOPE,
)
