package import SystemSupport

extension Scene {
    /// Generates a random scene for a single picture without movement.
    ///
    /// With `plain`, it has one large, upright object on a quiet background.
    package static func still(_ random: inout SeededRandom, plain: Bool = false) -> Scene {
        while true {
            if let scene = attemptStill(&random, plain) { return scene }
        }
    }

    private static func attemptStill(_ random: inout SeededRandom, _ plain: Bool) -> Scene? {
        var background = Background.random(&random)
        if plain, let quiet = Background.Kind(rawValue: background.kind.rawValue % 3) { background.kind = quiet }
        var scene = Scene(background: background, length: 1)
        var taken: Set<[Int]> = []
        let count = plain ? 1 : random.choice([0, 1, 2], weights: [1, 10, 11])
        for _ in 0..<count {
            guard let (shape, colour, rgb) = look(&random, background, taken: taken, turning: false) else { return nil }
            var radius = random.chance(0.4) ? random.uniform(0.085, 0.26) : Size.random(&random)
            if plain { radius = random.uniform(0.15, 0.27) }
            if count == 2 { radius = min(radius, 0.21) }
            let turn = !plain && random.chance(0.4) ? random.uniform(-3.14, 3.14) : random.uniform(-0.2, 0.2)
            guard let place = scene.freePlace(radius, &random) else { return nil }
            scene.objects.append(
                SceneObject(shape: shape, colour: colour, rgb: rgb, radius: radius, place: place, turn: turn))
            taken.insert([shape.rawValue, colour.rawValue])
        }
        if random.chance(0.05) {
            scene.lights = [(10, true)]
            scene.dark = random.uniform(0.04, 0.12)
        }
        return scene
    }

    private func freePlace(_ radius: Double, _ random: inout SeededRandom) -> Point? {
        for _ in 0..<20 {
            let place = Point(random.uniform(radius, 1 - radius), random.uniform(radius, 1 - radius))
            if objects.allSatisfy({ ($0.place - place).length > ($0.radius + radius) * 0.92 }) { return place }
        }
        return nil
    }
}
