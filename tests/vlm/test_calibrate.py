"""After calibration, 90 % of the errors lie inside the 90 % interval, whatever the model thought of itself."""

import types

import numpy as np
import pytest
from PIL import Image

from heads.camera import Camera
from vlm.calibrate import calibrate
from vlm.config import DEFAULT_UNCERTAINTY
from vlm.errors import InputError
from vlm.records import Record

SIZE = 40, 30
LN10 = np.log(10)  # of a Laplace variable with scale 1, 90 % lie within log(1 / (1 - 0.9))


def records(tmp_path, count: int) -> list[Record]:
    """Pictures of a wall between 1 and 9 metres away, a corner of it unknown, a corner of it sky."""
    made = []
    for i in range(count):
        values = np.full(SIZE[::-1], 1000 + 200 * i, np.uint16)
        values[:5, :5], values[-5:, -5:] = 0, 65535
        Image.fromarray(values).save(tmp_path / f"{i}.png")
        made.append(
            Record("d", "indoor", str(i), tmp_path / f"{i}.jpg", SIZE, Camera.from_intrinsics(50, width=40, height=30),
                   tmp_path / f"{i}.png", 1000.0, SIZE, 65535, None, np.zeros((0, 2)), np.zeros(0))
        )  # fmt: skip
    return made


class Stub:
    """A model whose log-depth errors are Laplace of a known size, and who claims another.

    sizes: true scale for a given camera and for one from rays; claimed: the scale it states; shared: the share
    of the error's variance that all pixels of a picture have in common.
    """

    def __init__(self, made, given=0.2, rays=0.5, claimed=0.1, shared=0.0, focal=0.05, focal_claimed=0.1):
        self.depths = {record.image: record.depth_z() for record in made}
        self.config = types.SimpleNamespace(uncertainty={"factor": {"caller": 7.0}, "left": "over"})
        self.sizes, self.claimed, self.shared = {True: given, False: rays}, claimed, shared
        self.focal, self.focal_claimed = focal, focal_claimed
        self.rng = np.random.default_rng(0)

    def look_many(self, images, cameras):
        (image,), (camera,) = images, cameras
        truth = self.depths[image]
        size = self.sizes[camera is not None]
        local = self.rng.laplace(0, size * np.sqrt(1 - self.shared), truth.shape)
        common = self.rng.laplace(0, size * np.sqrt(self.shared)) if self.shared else 0.0
        seen = Camera.from_intrinsics(50 * np.exp(self.rng.laplace(0, self.focal)), width=40, height=30, source="rays")
        view = types.SimpleNamespace(
            depth_z=truth * np.exp(local + common),
            log_depth_scale=np.full(truth.shape, self.claimed),
            camera_from_rays=seen,
            focal_scale=self.focal_claimed,
            camera=camera or seen,
        )
        return [types.SimpleNamespace(views=[view])]


def test_factors_make_the_claimed_scale_the_true_one(tmp_path):
    made = records(tmp_path, 40)
    fitted = calibrate(Stub(made), made, "held-out")
    assert fitted["factor"]["caller"] == pytest.approx(0.2 / 0.1, rel=0.05)
    assert fitted["factor"]["exif"] == fitted["factor"]["caller"]
    assert fitted["factor"]["rays"] == pytest.approx(0.5 / 0.1, rel=0.05)
    assert fitted["focal_factor"] == pytest.approx(0.05 / 0.1, rel=0.6)  # 40 draws only
    assert "held-out" in fitted["calibrated_on"] and "40" in fitted["calibrated_on"]
    assert fitted.keys() == DEFAULT_UNCERTAINTY.keys()


@pytest.mark.parametrize("claimed", [0.02, 0.2, 3.0])
def test_ninety_percent_of_new_errors_are_inside(tmp_path, claimed):
    made = records(tmp_path, 30)
    factor = calibrate(Stub(made, claimed=claimed), made, "x")["factor"]["caller"]
    errors = np.abs(np.random.default_rng(9).laplace(0, 0.2, 200_000))
    assert (errors < factor * claimed * LN10).mean() == pytest.approx(0.9, abs=0.01)


def test_errors_of_any_shape_are_covered_not_only_laplace(tmp_path):
    """Where errors are no Laplace variable, the factor still makes the 90 % interval hold 90 %."""
    made = records(tmp_path, 30)
    stub, draws = Stub(made), []

    def spiky(_mean, size, shape=None):
        draws.append(size * np.random.default_rng(len(draws)).normal(0, 1, shape) ** 3)
        return draws[-1]

    stub.rng = types.SimpleNamespace(laplace=spiky)
    factor = calibrate(stub, made, "x")["factor"]["caller"]
    given = np.abs(np.concatenate([d.ravel() for d in draws if np.ndim(d)][::2]))  # every other look had a camera
    assert (given < factor * 0.1 * LN10).mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
def test_the_shared_part_is_measured(tmp_path, shared):
    made = records(tmp_path, 120)
    assert calibrate(Stub(made, shared=shared), made, "x")["shared"] == pytest.approx(shared, abs=0.12)


def test_defaults_stay_defaults_for_everyone_else(tmp_path):
    made = records(tmp_path, 20)
    calibrate(Stub(made), made, "x")
    assert DEFAULT_UNCERTAINTY["factor"] == {"caller": 1.0, "exif": 1.0, "rays": 1.0}


def test_too_few_records_are_refused_and_the_model_is_left_alone(tmp_path):
    made = records(tmp_path, 25)
    stub = Stub(made)
    no_depth = [Record(**{**vars(r), "depth_path": None}) for r in made[:6]]
    with pytest.raises(InputError, match=r"records: 19 .*allowed: 20 or more"):
        calibrate(stub, [*made[6:], *no_depth], "x")
    assert stub.config.uncertainty == {"factor": {"caller": 7.0}, "left": "over"}
