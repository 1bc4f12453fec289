import ArgumentParser
import Histogram

@main
struct HeadwaterBench: ParsableCommand {}
