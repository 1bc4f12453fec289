// AdminServer shows the broker from outside: metrics, health and status over HTTP.
import Hummingbird
