"""The stage that prepares datasets: it reads the samples, splits them and describes them."""
