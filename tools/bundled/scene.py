# Draws what a picture shows (time, place, weather, things, manner) from a random generator, as
# plain facts.
"""The facts are what the painter paints and the captions tell; nothing here touches pixels."""

from dataclasses import dataclass, field

TIMES = {"noon": 22, "sunset": 22, "sunrise": 12, "dusk": 10, "night": 20, "overcast": 9}
PLACES = {
    "ocean": 20,
    "lake": 12,
    "mountains": 17,
    "desert": 9,
    "forest": 9,
    "meadow": 10,
    "city": 9,
    "snow": 8,
    "beach": 9,
}
MANNERS = {"photo": 62, "watercolor": 11, "pixel art": 10, "black and white": 10, "oil painting": 4}
SIDES = ("left", "center", "right")

THINGS = {
    "ocean": ("boat", "lighthouse", "birds", "balloon", "rainbow"),
    "lake": ("boat", "birds", "balloon", "house", "pines", "rainbow"),
    "mountains": ("house", "pines", "birds", "balloon", "rainbow", "road"),
    "desert": ("balloon", "birds", "road", "palms"),
    "forest": ("house", "birds", "road", "balloon"),
    "meadow": ("house", "pines", "birds", "balloon", "rainbow", "road"),
    "city": ("birds", "balloon"),
    "snow": ("house", "pines", "birds", "balloon"),
    "beach": ("palms", "boat", "birds", "balloon", "lighthouse"),
}
COLOURS = {
    "boat": ("red", "white", "blue", "yellow", "green", "orange"),
    "house": ("red", "white", "yellow", "blue"),
    "balloon": ("red", "blue", "yellow", "orange", "green", "purple"),
    "lighthouse": ("white", "red"),
    "flowers": ("red", "yellow", "purple", "white", "pink"),
}


@dataclass
class Scene:
    """Facts about one picture. sun and things hold dictionaries; light is None where the sky shows
    neither."""

    time: str = "noon"
    place: str = "ocean"
    manner: str = "photo"
    weather: str = "clear"
    light: dict | None = None  # {"kind": "sun"|"moon", "side", "size": "large"|"medium"|"small"}
    things: list = field(default_factory=list)  # {"kind", "side", "colour" or None}
    backdrop: bool = False  # mountains behind a lake, meadow, snow field, beach or ocean
    snow_caps: bool = False
    flowers: str | None = None
    lit_windows: bool = False
    water_front: bool = False  # a city at the water
    degraded: float = 0.0  # 0 sharp and clean .. 1 very blurred and noisy


def pick(rng, weights):
    """A key of {key: weight}."""
    keys = list(weights)
    total = sum(weights.values())
    return keys[int(rng.choice(len(keys), p=[weights[key] / total for key in keys]))]


def choose(rng, options):
    return options[int(rng.integers(len(options)))]


def draw_light(rng, scene):
    chance = {
        "noon": 0.55,
        "sunset": 0.85,
        "sunrise": 0.85,
        "dusk": 0.0,
        "night": 0.75,
        "overcast": 0.0,
    }
    if rng.random() >= chance[scene.time]:
        return None
    kind = "moon" if scene.time == "night" else "sun"
    return {
        "kind": kind,
        "side": choose(rng, SIDES),
        "size": pick(rng, {"medium": 5, "large": 3, "small": 2}),
    }


def draw_things(rng, scene):
    options = list(THINGS[scene.place])
    if scene.time in ("night", "dusk") or scene.weather != "clear":
        options = [kind for kind in options if kind != "rainbow"]
    count = pick(rng, {0: 35, 1: 45, 2: 20})
    things, sides = [], list(SIDES)
    while options and len(things) < count:
        kind = choose(rng, options)
        options.remove(kind)
        side = (
            choose(rng, sides) if kind not in ("birds", "rainbow", "road") else choose(rng, SIDES)
        )
        if side in sides:
            sides.remove(side)
        shade = choose(rng, COLOURS[kind]) if kind in COLOURS else None
        things.append({"kind": kind, "side": side, "colour": shade})
        if not sides:
            break
    return things


def draw(rng, **wishes):
    """A random scene; wishes override its fields before what depends on them is drawn."""
    scene = Scene()
    scene.time = wishes.get("time", pick(rng, TIMES))
    scene.place = wishes.get("place", pick(rng, PLACES))
    scene.manner = wishes.get("manner", pick(rng, MANNERS))
    weathers = {"clear": 50, "cloudy": 34, "foggy": 9}
    if scene.place in ("snow", "forest", "mountains", "city"):
        weathers["snowfall"] = 6
    if scene.time == "overcast":
        weathers = {"cloudy": 70, "foggy": 20, "rain": 30}
    scene.weather = wishes.get("weather", pick(rng, weathers))
    scene.light = wishes["light"] if "light" in wishes else draw_light(rng, scene)
    if (
        scene.weather in ("foggy", "rain", "snowfall")
        and "light" not in wishes
        and rng.random() < 0.7
    ):
        scene.light = None
    scene.things = wishes["things"] if "things" in wishes else draw_things(rng, scene)
    may_have = scene.place in ("lake", "meadow", "snow", "beach", "ocean", "forest")
    chance = {"lake": 0.75, "meadow": 0.4, "snow": 0.5, "beach": 0.2, "ocean": 0.15, "forest": 0.4}
    scene.backdrop = wishes.get("backdrop", may_have and rng.random() < chance[scene.place])
    scene.snow_caps = wishes.get(
        "snow_caps", (scene.place == "mountains" or scene.backdrop) and rng.random() < 0.45
    )
    with_flowers = scene.place == "meadow" and rng.random() < 0.75
    scene.flowers = wishes.get("flowers", choose(rng, COLOURS["flowers"]) if with_flowers else None)
    scene.lit_windows = scene.time in ("night", "dusk")
    scene.water_front = wishes.get("water_front", scene.place == "city" and rng.random() < 0.4)
    scene.degraded = wishes.get(
        "degraded", float(rng.uniform(0.35, 1.0)) if rng.random() < 0.07 else 0.0
    )
    return scene
