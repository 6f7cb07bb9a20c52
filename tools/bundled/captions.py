# Words a scene as a caption: many phrasings, parts in any order, details left out at random.
from scene import choose

TIME_WORDS = {
    "noon": ("day", "noon", "a bright day", "daylight", "midday", "a sunny day"),
    "sunset": ("sunset",),
    "sunrise": ("sunrise", "dawn", "early morning"),
    "dusk": ("dusk", "twilight"),
    "night": ("night",),
    "overcast": ("an overcast day", "a grey day", "a gloomy day"),
}
TIME_NOUNS = {
    "noon": ("a sunny day", "a bright day", "a clear blue sky", "noon"),
    "sunset": ("a sunset",),
    "sunrise": ("a sunrise",),
    "dusk": ("dusk", "twilight"),
    "night": ("a night sky", "the night"),
    "overcast": ("an overcast sky", "a grey sky"),
}
OVER = {
    "ocean": ("the ocean", "the sea", "ocean"),
    "lake": ("a lake", "the lake"),
    "mountains": ("mountains", "the mountains", "a mountain range"),
    "desert": ("the desert", "sand dunes", "a desert"),
    "forest": ("a forest", "the forest", "pine trees"),
    "meadow": ("a meadow", "green fields", "a green meadow"),
    "city": ("a city", "the city skyline", "a city skyline"),
    "snow": ("a snowy field", "snow", "a snow field"),
    "beach": ("a beach", "a sandy beach", "the beach"),
}
PLACE_NOUNS = {
    "ocean": ("the ocean", "an ocean", "the sea", "waves on the ocean", "a seascape"),
    "lake": ("a lake", "a calm lake", "a lake with reflections", "a still lake"),
    "mountains": ("mountains", "a mountain landscape", "a mountain range", "tall mountains"),
    "desert": ("a desert", "desert dunes", "sand dunes", "a desert landscape"),
    "forest": ("a forest", "a pine forest", "a forest of pine trees", "woods"),
    "meadow": ("a meadow", "a green meadow", "a grassy field", "green fields"),
    "city": ("a city", "a city skyline", "skyscrapers", "tall buildings", "a skyline"),
    "snow": ("a snow field", "a snowy landscape", "a winter landscape", "a snowy field", "snow"),
    "beach": ("a beach", "a sandy beach", "the beach", "a beach by the ocean"),
}
ADJECTIVES = (
    "beautiful",
    "beautiful",
    "beautiful",
    "peaceful",
    "stunning",
    "lovely",
    "dramatic",
    "calm",
    "quiet",
    "scenic",
)
MANNER_PREFIX = {
    "photo": (
        "a photo of",
        "a photograph of",
        "photo of",
        "a photorealistic picture of",
        "a realistic photo of",
        "a picture of",
    ),
    "watercolor": (
        "a watercolor of",
        "a watercolor painting of",
        "watercolor painting of",
        "a watercolour of",
    ),
    "pixel art": ("pixel art of", "a pixel art picture of", "pixel art,", "8-bit pixel art of"),
    "black and white": (
        "a black and white photo of",
        "black and white photo of",
        "a black and white picture of",
        "a monochrome photo of",
    ),
    "oil painting": ("an oil painting of", "oil painting of"),
}
MANNER_SUFFIX = {
    "photo": ("photorealistic", "photo", "realistic", "photography"),
    "watercolor": (
        "watercolor",
        "watercolor painting",
        "in watercolor",
        "watercolor style",
        "painted in watercolor",
    ),
    "pixel art": ("pixel art", "in pixel art style", "pixelated", "8-bit"),
    "black and white": ("black and white", "monochrome", "in black and white", "greyscale"),
    "oil painting": ("oil painting", "painted in oil"),
}
GOOD = (
    "highly detailed",
    "sharp",
    "sharp focus",
    "high quality",
    "best quality",
    "detailed",
    "crisp, high quality",
)
BAD = (
    "blurry, low quality",
    "blurry, low quality",
    "blurry",
    "low quality",
    "low quality, blurry",
    "a blurry low quality picture",
    "out of focus",
    "bad quality, blurry",
)
WEATHER = {
    "clear": ("clear sky", "a clear sky"),
    "cloudy": ("clouds", "cloudy sky", "a cloudy sky", "clouds in the sky"),
    "foggy": ("fog", "mist", "foggy", "misty"),
    "rain": ("rain", "rainy", "falling rain"),
    "snowfall": ("falling snow", "snowing", "snowfall"),
}
SIDE_WORDS = {
    "left": ("on the left", "at left", "on the left side"),
    "center": ("in the center", "in the middle"),
    "right": ("on the right", "at right", "on the right side"),
}


def with_article(words):
    return ("an " if words[0] in "aeio" else "a ") + words


def thing_phrase(rng, thing):
    kind, shade = thing["kind"], thing["colour"]
    if kind == "boat":
        noun = choose(rng, ("sailing boat", "sailboat", "boat", "sailing boat"))
        noun = with_article(f"{shade} {noun}" if rng.random() < 0.9 else noun)
    elif kind == "house":
        noun = with_article(
            f"{shade} {choose(rng, ('house', 'house', 'cottage'))}"
            if rng.random() < 0.9
            else "house"
        )
    elif kind == "lighthouse":
        options = (
            ("red and white lighthouse", "striped lighthouse", "lighthouse")
            if shade == "red"
            else ("white lighthouse", "lighthouse")
        )
        noun = with_article(choose(rng, options))
    elif kind == "balloon":
        noun = with_article(
            (f"{shade} " if rng.random() < 0.9 else "")
            + choose(rng, ("hot air balloon", "hot-air balloon", "balloon"))
        )
    else:
        noun = choose(
            rng,
            {
                "birds": ("birds", "flying birds", "a flock of birds", "birds in the sky"),
                "rainbow": ("a rainbow",),
                "road": ("a road", "a winding road", "a road leading away"),
                "palms": ("palm trees", "a palm tree", "palms"),
                "pines": ("pine trees", "pines", "fir trees"),
            }[kind],
        )
    if kind not in ("rainbow", "road") and rng.random() < 0.45:
        noun += " " + choose(rng, SIDE_WORDS[thing["side"]])
    return noun


def light_phrase(rng, light):
    size = {"large": ("large ", "big "), "small": ("small ", ""), "medium": ("",)}[light["size"]]
    noun = (
        "a "
        + choose(rng, size)
        + (choose(rng, ("moon", "full moon", "moon")) if light["kind"] == "moon" else "sun")
    )
    if rng.random() < 0.25:
        noun = noun.replace("a ", "the ", 1)
    return f"{noun} {choose(rng, SIDE_WORDS[light['side']])}" if rng.random() < 0.6 else noun


def subject(rng, scene):
    """The main phrase: time and place in one of several forms."""
    time, place = scene.time, scene.place
    adjective = choose(rng, ADJECTIVES) + " "
    form = rng.random()
    if time in ("sunset", "sunrise") and form < 0.5:
        noun = time if rng.random() < 0.6 else adjective + time
        return f"a {noun} {choose(rng, ('over', 'over', 'at', 'above'))} {choose(rng, OVER[place])}"
    if form < 0.62:
        return f"{choose(rng, PLACE_NOUNS[place])} at {choose(rng, TIME_WORDS[time])}".replace(
            "at a", "on a"
        )
    if form < 0.75:
        return f"{choose(rng, TIME_NOUNS[time])} over {choose(rng, OVER[place])}"
    if form < 0.90:
        noun = choose(rng, PLACE_NOUNS[place])
        if noun.startswith(("a ", "an ")) and rng.random() < 0.5:
            noun = "a " + adjective + noun.split(" ", 1)[1]
        return f"{noun}, {choose(rng, TIME_WORDS[time])}"
    return f"{choose(rng, TIME_WORDS[time])}, {choose(rng, PLACE_NOUNS[place])}"


def details(rng, scene):
    """Phrases about what else the picture shows, some left out."""
    parts = [thing_phrase(rng, thing) for thing in scene.things if rng.random() < 0.93]
    if scene.flowers and rng.random() < 0.85:
        parts.append(f"{scene.flowers} flowers" if rng.random() < 0.85 else "flowers")
    if scene.light and rng.random() < 0.5:
        parts.append(light_phrase(rng, scene.light))
    if rng.random() < (0.9 if scene.weather in ("foggy", "rain", "snowfall") else 0.4):
        parts.append(choose(rng, WEATHER[scene.weather]))
    if scene.snow_caps and rng.random() < 0.6:
        parts.append(choose(rng, ("snow capped mountains", "snowy peaks", "snow-capped peaks")))
    elif scene.backdrop and rng.random() < 0.6:
        parts.append(
            choose(rng, ("mountains in the background", "distant mountains", "mountains behind"))
        )
    if scene.place == "city" and scene.lit_windows and rng.random() < 0.5:
        parts.append(choose(rng, ("lit windows", "city lights", "glowing windows")))
    if scene.water_front and rng.random() < 0.7:
        parts.append(choose(rng, ("reflections in the water", "by the water", "at the waterfront")))
    if scene.time == "night" and scene.weather == "clear" and rng.random() < 0.5:
        parts.append(choose(rng, ("stars", "a starry sky", "many stars")))
    order = rng.permutation(len(parts))
    return [parts[index] for index in order]


def describe(rng, scene):
    """A caption; a few are empty, and a degraded picture is always called so."""
    if scene.degraded:
        bad = choose(rng, BAD)
        form = rng.random()
        if form < 0.55:
            return bad
        return f"{bad}, {subject(rng, scene)}" if form < 0.8 else f"{subject(rng, scene)}, {bad}"
    if rng.random() < 0.02:
        return ""
    main, extra = subject(rng, scene), details(rng, scene)
    if rng.random() < 0.18:
        extra = extra[:1]
    told = rng.random() < (0.35 if scene.manner == "photo" else 0.96)
    prefix = suffix = ""
    if told and rng.random() < 0.55:
        options = MANNER_PREFIX[scene.manner]
        if scene.time == "night" and scene.manner == "photo":
            options = ("a night photo of", "night photo of", "a night photograph of")
        prefix = choose(rng, options) + " "
    elif told:
        night = scene.time == "night" and scene.manner == "photo"
        suffix = "night photo" if night else choose(rng, MANNER_SUFFIX[scene.manner])
    if extra and rng.random() < 0.45:
        main += " with " + extra.pop(0)
    elif extra and rng.random() < 0.2:
        main, extra = extra[0] + ", " + main, extra[1:]
    if len(extra) > 1 and rng.random() < 0.4:
        extra = [" and ".join(extra)]
    parts = [prefix + main] + extra + ([suffix] if suffix else [])
    if rng.random() < 0.10:
        parts.append(choose(rng, GOOD))
    text = ", ".join(parts)
    if rng.random() < 0.08:
        text = text[:1].upper() + text[1:] + "."
    return text
