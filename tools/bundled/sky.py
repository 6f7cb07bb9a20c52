# Paints skies: gradients by time of day, sun and moon with their glow, stars, clouds, rainbows.
import numpy as np

from brushes import CLOUD, COLUMNS, SIZE, WIDE, X, Y, colour, crop, gradient, lay, mix, smooth
from scene import choose

# Sky colours from the top of the picture to the horizon; one variant is picked per picture.
SKIES = {
    "noon": [
        [(0.16, 0.40, 0.82), (0.36, 0.62, 0.93), (0.70, 0.86, 0.97)],
        [(0.20, 0.47, 0.86), (0.45, 0.70, 0.95), (0.80, 0.91, 0.97)],
        [(0.10, 0.34, 0.74), (0.33, 0.60, 0.90), (0.66, 0.84, 0.95)],
    ],
    "sunset": [
        [(0.24, 0.20, 0.42), (0.78, 0.36, 0.36), (1.00, 0.63, 0.22)],
        [(0.36, 0.22, 0.44), (0.90, 0.42, 0.36), (1.00, 0.72, 0.34)],
        [(0.20, 0.24, 0.48), (0.85, 0.47, 0.38), (1.00, 0.70, 0.28)],
        [(0.45, 0.18, 0.26), (0.88, 0.34, 0.20), (1.00, 0.60, 0.16)],
    ],
    "sunrise": [
        [(0.42, 0.58, 0.82), (0.88, 0.74, 0.76), (1.00, 0.86, 0.60)],
        [(0.50, 0.60, 0.80), (0.95, 0.76, 0.70), (1.00, 0.88, 0.66)],
        [(0.36, 0.52, 0.78), (0.82, 0.70, 0.78), (1.00, 0.82, 0.62)],
    ],
    "dusk": [
        [(0.07, 0.08, 0.24), (0.22, 0.20, 0.42), (0.58, 0.36, 0.46)],
        [(0.09, 0.10, 0.26), (0.28, 0.22, 0.44), (0.50, 0.38, 0.52)],
    ],
    "night": [
        [(0.012, 0.020, 0.080), (0.030, 0.060, 0.170), (0.080, 0.125, 0.260)],
        [(0.010, 0.016, 0.060), (0.025, 0.045, 0.140), (0.065, 0.100, 0.210)],
    ],
    "overcast": [
        [(0.52, 0.55, 0.59), (0.64, 0.67, 0.70), (0.75, 0.77, 0.78)],
        [(0.44, 0.48, 0.53), (0.58, 0.61, 0.65), (0.70, 0.72, 0.74)],
    ],
}
# Light that falls on the ground, and how clouds look in light and shadow.
GROUND_LIGHT = {
    "noon": (1.0, 1.0, 0.95),
    "sunset": (0.80, 0.52, 0.40),
    "sunrise": (0.96, 0.80, 0.70),
    "dusk": (0.34, 0.31, 0.46),
    "night": (0.20, 0.25, 0.40),
    "overcast": (0.68, 0.70, 0.72),
}
CLOUD_LIT = {
    "noon": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.66, 0.42),
    "sunrise": (1.0, 0.90, 0.82),
    "dusk": (0.52, 0.38, 0.50),
    "night": (0.13, 0.15, 0.24),
    "overcast": (0.80, 0.81, 0.83),
}
CLOUD_SHADE = {
    "noon": (0.66, 0.74, 0.84),
    "sunset": (0.46, 0.26, 0.38),
    "sunrise": (0.70, 0.62, 0.72),
    "dusk": (0.20, 0.17, 0.32),
    "night": (0.03, 0.04, 0.09),
    "overcast": (0.42, 0.45, 0.49),
}
SUN = {
    "noon": (1.0, 0.99, 0.90),
    "sunset": (1.0, 0.86, 0.45),
    "sunrise": (1.0, 0.95, 0.74),
    "night": (0.96, 0.95, 0.88),
}


class Sky:
    """Colours and places that the rest of the picture needs: light, haze, position of sun or
    moon."""

    def __init__(self, rng, scene, horizon):
        self.scene, self.horizon = scene, horizon
        stops = choose(rng, SKIES[scene.time])
        jitter = rng.uniform(-0.03, 0.03, 3).astype(np.float32) * (
            0.25 if scene.time == "night" else 1
        )
        self.stops = [np.clip(np.array(stop, np.float32) + jitter, 0, 1) for stop in stops]
        self.light = np.array(GROUND_LIGHT[scene.time], np.float32) * rng.uniform(0.92, 1.05)
        self.haze = self.stops[2] * 0.9 + 0.1 * self.stops[1]
        self.position = self.place_light(rng) if scene.light else None
        self.sun_colour = colour(*SUN.get(scene.time, (1, 1, 1)))

    def place_light(self, rng):
        """Centre (x, y) and radius of the sun or moon."""
        light, horizon = self.scene.light, self.horizon
        x = {
            "left": rng.uniform(34, 80),
            "center": rng.uniform(112, 144),
            "right": rng.uniform(176, 222),
        }[light["side"]]
        radius = {
            "small": rng.uniform(8, 11),
            "medium": rng.uniform(13, 17),
            "large": rng.uniform(22, 30),
        }[light["size"]]
        if self.scene.time in ("sunset", "sunrise"):
            y = horizon - rng.uniform(-0.15, 1.9) * radius - rng.uniform(0, 14)
            if self.scene.place in ("mountains", "city", "forest"):
                y -= rng.uniform(22, 50)
        else:
            y = rng.uniform(radius + 10, max(0.45 * horizon, radius + 20))
        return float(x), float(y), float(radius)

    def paint(self, rng):
        """Returns the sky over the whole picture (rows under the horizon continue its last
        colour)."""
        scene, horizon = self.scene, self.horizon
        top, middle, low = self.stops
        rows = gradient([(0, top), (0.55 * horizon, middle), (horizon, low), (SIZE, low)])
        picture = np.repeat(rows[:, None, :], SIZE, 1)
        if scene.time in ("night", "dusk"):
            self.paint_stars(rng, picture)
        if self.position:
            self.paint_glow(picture)
            self.paint_disc(rng, picture)
        if scene.weather in ("cloudy", "rain", "snowfall") or (
            scene.weather == "clear" and rng.random() < 0.25
        ):
            self.paint_clouds(rng, picture)
        return np.clip(picture, 0, 1)

    def paint_stars(self, rng, picture):
        many = 150 if self.scene.time == "night" else 25
        if self.scene.weather != "clear":
            many //= 4
        count = int(many * rng.uniform(0.6, 1.5))
        y = (rng.random(count) ** 1.2 * max(self.horizon - 8, 30)).astype(int)
        x = rng.integers(1, SIZE - 2, count)
        power = (0.35 + 0.65 * rng.random(count) ** 2)[:, None].astype(np.float32) * colour(
            1, 1, 0.95
        )
        for dy, dx, share in ((0, 0, 1.0), (0, 1, 0.55), (1, 0, 0.55), (1, 1, 0.35)):
            np.maximum.at(picture, (np.minimum(y + dy, SIZE - 1), x + dx), power * share)

    def paint_glow(self, picture):
        x, y, radius = self.position
        distance = np.hypot(X - x, (Y - y) * 1.15)
        strength = {"noon": 0.55, "sunset": 0.80, "sunrise": 0.70, "night": 0.30}[self.scene.time]
        reach = {"noon": 2.2, "sunset": 3.6, "sunrise": 3.2, "night": 1.6}[
            self.scene.time
        ] * radius + 10
        glow = strength * np.exp(-distance / reach)
        lay(picture, glow, self.sun_colour)

    def paint_disc(self, rng, picture):
        x, y, radius = self.position
        r = int(radius + 3)
        x0, x1, y0, y1 = (
            max(int(x) - r, 0),
            min(int(x) + r, SIZE),
            max(int(y) - r, 0),
            min(int(y) + r, SIZE),
        )
        if x0 >= x1 or y0 >= y1:
            return
        part = (slice(y0, y1), slice(x0, x1))
        distance = np.hypot(X[part] - x, Y[part] - y)
        disc = np.clip(radius - distance + 0.5, 0, 1)
        paint = np.broadcast_to(mix(self.sun_colour, 1.0, 0.35), (y1 - y0, x1 - x0, 3))
        if self.scene.light["kind"] == "moon":
            spots = smooth(0.45, 0.75, crop(CLOUD, rng, 96, 96)[: y1 - y0, : x1 - x0])
            paint = self.sun_colour * (1 - 0.22 * spots[..., None])
        lay(picture[part], disc, paint)

    def paint_clouds(self, rng, picture):
        scene = self.scene
        fluffy = scene.time in ("noon", "overcast") and rng.random() < 0.6
        noise = crop(CLOUD if fluffy else WIDE, rng)
        cover = {"clear": 0.72, "cloudy": 0.50, "rain": 0.36, "snowfall": 0.42}[
            scene.weather
        ] + rng.uniform(-0.05, 0.05)
        if scene.time == "overcast":
            cover = min(cover, 0.42)
        density = smooth(cover, cover + 0.24, noise)
        fade = smooth(0, 18, self.horizon - Y[:, :1])
        step = 5 if fluffy else 3
        upper = np.concatenate([noise[:1].repeat(step, 0), noise[:-step]])
        shade = np.clip(
            0.55
            + (noise - upper) * (4.5 if fluffy else 6.0) * (1 if scene.time == "noon" else -0.6),
            0,
            1,
        )
        lit, dark = (np.array(table[scene.time], np.float32) for table in (CLOUD_LIT, CLOUD_SHADE))
        if scene.weather == "rain":
            lit, dark = lit * 0.8, dark * 0.75
        paint = dark + shade[..., None] * (lit - dark)
        if self.position:
            x, y, radius = self.position
            near = np.exp(-np.hypot(X - x, Y - y) / (3.0 * radius + 16))
            paint = paint + (0.55 * near * shade)[..., None] * (self.sun_colour - paint)
        lay(picture, density * fade * rng.uniform(0.75, 0.95), paint)

    def paint_rainbow(self, rng, picture, side):
        """A bow over the whole landscape; side tells where its nearer foot stands."""
        x = {
            "left": rng.uniform(120, 190),
            "center": rng.uniform(118, 138),
            "right": rng.uniform(66, 136),
        }[side]
        radius, width = rng.uniform(95, 125), rng.uniform(16, 22)
        position = (np.hypot(X - x, Y - (self.horizon + 6)) - radius) / width
        hues = np.array(
            [
                (0.5, 0.2, 0.8),
                (0.15, 0.35, 0.95),
                (0.1, 0.8, 0.4),
                (1, 0.95, 0.1),
                (1, 0.5, 0.0),
                (0.95, 0.1, 0.1),
            ]
        )
        paint = np.stack(
            [np.interp(position, np.linspace(0, 1, 6), hues[:, c]) for c in range(3)], -1
        ).astype(np.float32)
        band = smooth(-0.12, 0.12, position) * smooth(-0.12, 0.12, 1 - position)
        lay(picture, 0.62 * band * smooth(0, 30, self.horizon + 10 - Y), paint)


def add_precipitation(rng, picture, weather):
    """Rain streaks or snow flakes over the finished picture; in place."""
    if weather == "rain":
        count, length, strength = 260, 11, 0.28
        x, y = rng.integers(0, SIZE - 4, count), rng.integers(0, SIZE - length, count)
        for step in range(length):
            spot = (y + step, x + step // 4)
            picture[spot] += strength * (colour(0.85, 0.88, 0.92) - picture[spot])
    elif weather == "snowfall":
        count = 210
        x, y = rng.integers(2, SIZE - 3, count), rng.integers(2, SIZE - 3, count)
        big = rng.random(count) < 0.45
        for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
            picture[y + dy, x + dx] += 0.9 * (0.97 - picture[y + dy, x + dx])
        for dy, dx in ((-1, 0), (-1, 1), (2, 0), (2, 1), (0, -1), (1, -1), (0, 2), (1, 2)):
            spot = (y[big] + dy, x[big] + dx)
            picture[spot] += 0.6 * (0.97 - picture[spot])


def add_fog(rng, picture, haze, horizon):
    """Blends towards haze, most at the horizon; in place."""
    grain = crop(WIDE, rng)
    bank = np.exp(-(((COLUMNS[:, None] - horizon) / 62) ** 2)) * (0.55 + 0.5 * grain) + 0.22
    lay(picture, np.clip(bank * 0.9, 0, 0.9), mix(haze, haze.mean(), 0.5) * 0.96 + 0.02)
