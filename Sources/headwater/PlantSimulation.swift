import BrokerModel
import Foundation

/// One reading as a device publishes it.
struct Reading {
    let topic: String
    let payload: String
}

/// A small bottling plant whose values hang together: the line's speed loads the compressor and
/// the filler, load warms the motors, warmth follows load late, vibration grows with a bearing's
/// wear, and the day's temperature is under all of it.
///
/// Pure: time goes in, readings come out. The same seed gives the same plant.
struct PlantSimulation {
    private var noise: SeededNoise
    private var speed = 0.0  // Of nominal, 0 ... 1.1.
    private var targetSpeed = 1.0
    private var nextTargetChange = 0.0
    private var motorCelsius = 24.0
    private var pressureBar = 6.0
    private var compressorRunning = true
    private var tankLitres = 4_200.0
    private var bottles = 0.0
    private var bearingWear = 0.02
    private var energyKilowattHours = 12_345.0
    private var seconds = 0.0

    init(seed: UInt64) {
        noise = SeededNoise(seed: seed)
    }

    /// Moves the plant on by `step` seconds; `dayFraction` is 0 at midnight and 0.5 at noon.
    mutating func advance(by step: Double, dayFraction: Double) -> [Reading] {
        seconds += step
        let ambient = 19 + 4 * sin((dayFraction - 0.375) * 2 * .pi) + noise.normal() * 0.05
        moveLine(step)
        let power = 2.1 + 14 * speed * speed + (compressorRunning ? 5.5 : 0)
        energyKilowattHours += power * step / 3_600
        let motorGoal = ambient + 38 * speed + 300 * bearingWear * speed
        motorCelsius += (motorGoal - motorCelsius) * (1 - exp(-step / 180))
        bearingWear += step * 2e-7 * speed
        moveAirAndTank(step)
        return readings(ambient: ambient, power: power)
    }

    private mutating func moveLine(_ step: Double) {
        if seconds >= nextTargetChange {
            targetSpeed = noise.unit() < 0.15 ? 0 : 0.7 + 0.35 * noise.unit()
            nextTargetChange = seconds + 20 + 100 * noise.unit()
        }
        speed += (targetSpeed - speed) * (1 - exp(-step / 4))
        bottles += step * 3.4 * speed
    }

    private mutating func moveAirAndTank(_ step: Double) {
        pressureBar += step * ((compressorRunning ? 0.09 : 0) - 0.02 - 0.05 * speed)
        if pressureBar > 7.4 { compressorRunning = false }
        if pressureBar < 5.8 { compressorRunning = true }
        tankLitres -= step * 1.7 * speed
        if tankLitres < 400 { tankLitres = 5_000 }  // The tanker has come.
    }

    private mutating func readings(ambient: Double, power: Double) -> [Reading] {
        let vibration = 0.8 + 2.2 * speed + 40 * bearingWear * speed + abs(noise.normal()) * 0.1
        return [
            reading("line1/filler/speed", "bpm", speed * 204 + noise.normal() * 0.4 * speed),
            reading("line1/filler/bottles", "count", bottles.rounded(.down), digits: 0),
            reading("line1/motor/temperature", "degC", motorCelsius + noise.normal() * 0.1),
            reading("line1/motor/vibration", "mm/s", vibration, digits: 2),
            reading(
                "utility/compressor/pressure",
                "bar",
                pressureBar + noise.normal() * 0.01,
                digits: 2
            ),
            reading("utility/compressor/running", "bool", compressorRunning ? 1 : 0, digits: 0),
            reading("utility/tank1/level", "l", tankLitres + noise.normal() * 2),
            reading("utility/meter/power", "kW", power + noise.normal() * 0.05, digits: 2),
            reading("utility/meter/energy", "kWh", energyKilowattHours, digits: 2),
            reading("hall/climate/temperature", "degC", ambient),
            reading("hall/climate/humidity", "%", 48 - (ambient - 19) * 1.6 + noise.normal() * 0.3),
        ]
    }

    private func reading(
        _ name: String,
        _ unit: String,
        _ value: Double,
        digits: Int = 1
    ) -> Reading {
        let number = String(format: "%.\(digits)f", value)
        return Reading(
            topic: "plant/\(name)",
            payload: "{\"value\":\(number),\"unit\":\"\(unit)\"}"
        )
    }
}

/// Noise from a seed (xorshift64*).
private struct SeededNoise {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed | 1
    }

    /// Between 0 and 1.
    mutating func unit() -> Double {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Double((state &* 0x2545_f491_4f6c_dd1d) >> 11) / Double(1 << 53)
    }

    /// Mean 0, deviation 1: twelve uniform values, by the central limit theorem.
    mutating func normal() -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + unit() }
    }
}
