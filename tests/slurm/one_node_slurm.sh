#!/usr/bin/env bash
# A Slurm of one node on this Debian machine, for tests: slurmctld, slurmd and munge without systemd,
# two pretend GPUs, a partition that preempts. Needs root.
#
#   one_node_slurm.sh up       install what is missing, start what is not running (idempotent)
#   one_node_slurm.sh down     end its jobs and daemons
#   one_node_slurm.sh stop|start slurmctld|slurmd     one daemon
#   one_node_slurm.sh status   the node, its processors, memory and GPUs
#
# Everything but /etc/slurm and munge's own folders lies in $ONE_NODE_SLURM (/var/tmp/one-node-slurm).
# An /etc/slurm/slurm.conf that this script did not write is left alone.
set -euo pipefail

HOME_FOLDER=${ONE_NODE_SLURM:-/var/tmp/one-node-slurm}
CONF=/etc/slurm/slurm.conf
MARK="# written by one_node_slurm.sh"
GPUS=2
NODE=$(hostname -s)

fail() {
  echo "one_node_slurm.sh: $*" >&2
  exit 1
}

pid_file() { echo "$HOME_FOLDER/run/$1.pid"; }

# A pid file may outlive its process, and the number may be another's by now.
runs() {
  local pid
  pid=$(cat "$(pid_file "$1")" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]]
}

stop_daemon() {
  if runs "$1"; then
    local pid
    pid=$(cat "$(pid_file "$1")")
    kill "$pid"
    # slurmd waits up to two minutes for its threads, such as one that starts a job.
    for _ in $(seq 1800); do
      [[ -d /proc/$pid ]] || break
      sleep 0.1
    done
    [[ ! -d /proc/$pid ]] || fail "$1 (process $pid) does not end"
  fi
  rm -f "$(pid_file "$1")"
}

start_daemon() {
  runs "$1" || "$1" # both write their own pid file, whose name is in slurm.conf
}

install_packages() {
  command -v slurmctld slurmd munged sbatch >/dev/null && return
  command -v apt-get >/dev/null || fail "Slurm is not installed, and there is no apt-get"
  apt-get update -q || fail "Slurm is not installed, and there is no package index"
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
    slurm-wlm munge || fail "apt-get cannot install slurm-wlm and munge"
}

start_munge() {
  install -d -o munge -g munge -m 700 /etc/munge /var/lib/munge /var/log/munge
  install -d -o munge -g munge -m 755 /run/munge
  if [[ ! -s /etc/munge/munge.key ]]; then
    (umask 077 && head -c 1024 /dev/urandom >/etc/munge/munge.key)
    chown munge: /etc/munge/munge.key
  fi
  munge -n </dev/null >/dev/null 2>&1 && return # someone's munge runs: use it, and leave it alone
  runuser -u munge -- munged --force 2>/dev/null
  cp /run/munge/munged.pid "$(pid_file munged)"
  munge -n </dev/null | unmunge >/dev/null || fail "munge does not work"
}

# The processors and the memory are what jobs may ask for, not what the machine has: jobs of the
# real profile ask for more, and without cgroups nothing is enforced.
write_configuration() {
  if [[ -e $CONF ]] && ! grep -qF "$MARK" $CONF; then
    fail "$CONF is another's; this script would replace it"
  fi
  mkdir -p /etc/slurm "$HOME_FOLDER"/{run,log,spool,state,gpus}
  : >/etc/slurm/gres.conf
  for number in $(seq 0 $((GPUS - 1))); do
    # A null device under the name of a GPU: a node that only counts its GPUs is invalid.
    [[ -e $HOME_FOLDER/gpus/nvidia$number ]] ||
      mknod -m 666 "$HOME_FOLDER/gpus/nvidia$number" c 1 3 2>/dev/null ||
      touch "$HOME_FOLDER/gpus/nvidia$number"
    echo "Name=gpu Type=pretend File=$HOME_FOLDER/gpus/nvidia$number" >>/etc/slurm/gres.conf
  done
  cat >$CONF <<X
$MARK
ClusterName=onenode
SlurmctldHost=$NODE(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# A requeued job waits until the credentials of its first start are no longer valid.
AuthInfo=cred_expire=5
StateSaveLocation=$HOME_FOLDER/state
SlurmdSpoolDir=$HOME_FOLDER/spool
SlurmctldPidFile=$(pid_file slurmctld)
SlurmdPidFile=$(pid_file slurmd)
SlurmctldLogFile=$HOME_FOLDER/log/slurmctld.log
SlurmdLogFile=$HOME_FOLDER/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
MpiDefault=none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=5,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
MinJobAge=7200
GresTypes=gpu
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=64 RealMemory=1000000 Gres=gpu:pretend:$GPUS State=UNKNOWN
PartitionName=main Nodes=$NODE Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=$NODE MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
X
}

# Saved jobs of another configuration would be refused.
forget_when_changed() {
  local now
  now=$(cat $CONF /etc/slurm/gres.conf | sha256sum)
  [[ $now == "$(cat "$HOME_FOLDER/configuration.sha256" 2>/dev/null)" ]] && return
  stop_daemon slurmd
  stop_daemon slurmctld
  rm -rf "${HOME_FOLDER:?}"/{state,spool}
  mkdir -p "$HOME_FOLDER"/{state,spool}
  echo "$now" >"$HOME_FOLDER/configuration.sha256"
}

up() {
  install_packages
  write_configuration
  start_munge
  forget_when_changed
  start_daemon slurmctld
  start_daemon slurmd
  for _ in $(seq 120); do
    case $(sinfo -h -p main -o %t 2>/dev/null) in
      idle | mix | alloc) return ;;
      drain | down) scontrol update nodename="$NODE" state=resume || true ;;
    esac
    sleep 0.5
  done
  fail "the node does not come up; see $HOME_FOLDER/log"
}

# Without cgroups a process may outlive its job, such as one that hung while slurmctld was away.
end_leftovers() {
  local folder
  for folder in /proc/[0-9]*; do
    if grep -qsz '^SLURM_CLUSTER_NAME=onenode$' "$folder/environ"; then
      kill -KILL "${folder#/proc/}" 2>/dev/null || true
    fi
  done
}

down() {
  [[ -e $CONF ]] && grep -qF "$MARK" $CONF || return 0
  if runs slurmctld && runs slurmd; then
    scancel --user=root 2>/dev/null || true
    for _ in $(seq 100); do
      [[ -n $(squeue -h) ]] || break
      sleep 0.5
    done
  fi
  stop_daemon slurmd
  stop_daemon slurmctld
  stop_daemon munged
  end_leftovers
}

[[ $(id -u) == 0 ]] || fail "needs root"
case ${1:-} in
  up) up ;;
  down) down ;;
  stop) stop_daemon "${2:?slurmctld or slurmd}" ;;
  start) start_daemon "${2:?slurmctld or slurmd}" ;;
  status) sinfo -o "%n %t %c %m %G" ;;
  *) fail "usage: one_node_slurm.sh up|down|stop DAEMON|start DAEMON|status" ;;
esac
