import ArgumentParser

@main struct Headwater: ParsableCommand {
}
