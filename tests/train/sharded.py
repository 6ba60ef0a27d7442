"""The `fathom` command on CPU processes that share out their weights (FSDP2).

accelerate shards on accelerators only: a process group of CPUs it takes for DDP, whatever the config says. torch
itself shards on CPUs just as well, so here the group says that it is one of devices; all else is the real thing.
"""

from accelerate.state import PartialState
from accelerate.utils import DistributedType

begin = PartialState.__init__


def as_of_devices(self: PartialState, *args: object, **kwargs: object) -> None:
    begin(self, *args, **kwargs)  # type: ignore[arg-type]
    if self.distributed_type == DistributedType.MULTI_CPU:
        self._shared_state["distributed_type"] = DistributedType.MULTI_GPU


if __name__ == "__main__":
    PartialState.__init__ = as_of_devices  # type: ignore[method-assign]
    from vlm.cli import main

    main()
