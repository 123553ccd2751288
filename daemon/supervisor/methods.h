/* methods.h - numbers of the methods of watd's own interfaces, in the order of their .proto files.
 */
#ifndef WAT_SUPERVISOR_METHODS_H
#define WAT_SUPERVISOR_METHODS_H

enum node_method {
	NODE_STATUS,
	NODE_PLUGINS,
	NODE_DESCRIBE,
	NODE_LIST,
	NODE_SHOW,
	NODE_USERS,
	NODE_SPAWN,
	NODE_START,
	NODE_KILL,
	NODE_RELOAD,
	NODE_OPEN_ADMIN,
	NODE_REMOVE,
	NODE_WAIT,
	NODE_SET_LOG_LEVEL,
	NODE_GET_LOG_LEVEL,
	NODE_EVENTS,
	NODE_LOGS,
	NODE_SNAPSHOTS,
	NODE_SNAPSHOT,
	NODE_BACKUP,
	NODE_READ_BACKUP,
	NODE_EXPORT,
	NODE_IMPORT,
	NODE_REPLAY
};
enum admin_method { ADMIN_PROVISION, ADMIN_DEPROVISION, ADMIN_STOP };
enum host_method {
	HOST_START,
	HOST_ATTACH,
	HOST_DETACH,
	HOST_DRAIN,
	HOST_FINISH,
	HOST_PROVISION,
	HOST_DEPROVISION,
	HOST_SEGMENT,
	HOST_SNAPSHOT,
	HOST_SPACE
};

/* An answer is stored under its interface and method. */
#define ANSWER_OF_NODE(method) ((int)(method))
#define ANSWER_OF_ADMIN(method) (0x100 + (int)(method))

#endif
